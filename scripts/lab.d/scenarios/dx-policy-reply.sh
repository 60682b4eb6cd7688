# Selectors do not cover reply-style checks, which are configured.
#
# matrix: top=policy-based-reply-unsupported state=healthy exit=1
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_lines=('expect.health_check_style = "reply"')

set_up() { topology --edges 1 --tunnel policy; }
before() { health_settings 1 0; }
check() { diagnose; }
