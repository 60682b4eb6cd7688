# The kernel drops reply-style checks, and so does the ISP.
#
# matrix: top=martian-source-drops-reply-probe also=isp-blocks-icmp-reply state=healthy exit=1 watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_lines=('expect.health_check_style = "reply"' 'expect.health_check_direction = "unidirectional"')

set_up() { topology --edges 1 --routers 4; }

before() {
    health_settings 0 0
    replies_die through 2
}

check() { diagnose; }
