# Reply-style checks and a target, neither of which the selectors cover.
#
# matrix: top=policy-based-reply-unsupported also=health-check-target-unroutable state=healthy exit=1
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_lines=('expect.health_check_style = "reply"' 'expect.health_check_target = "10.99.0.1"')

set_up() { topology --edges 1 --tunnel policy; }
before() { health_settings 1 0; }
check() { diagnose; }
