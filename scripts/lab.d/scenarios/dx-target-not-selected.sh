# The checks' target is outside the selectors of a policy-based tunnel.
#
# matrix: top=health-check-target-unroutable state=healthy exit=1
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_lines=('expect.health_check_target = "10.99.0.1"')

set_up() { topology --edges 1 --tunnel policy; }
check() { diagnose; }
