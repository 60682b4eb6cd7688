# accept_local is 0, and the checks are configured to be of reply style; none was seen yet.
#
# matrix: top=martian-source-drops-reply-probe state=healthy exit=1
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_lines=('expect.health_check_style = "reply"')

set_up() { topology --edges 1; }
before() { health_settings 0 0; }
check() { diagnose; }
