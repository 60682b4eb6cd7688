# Router 2 drops Echo Replies, but the checks' answers go through the tunnel.
#
# matrix: top=isp-blocks-icmp-reply state=healthy exit=0 watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_lines=('expect.health_check_style = "reply"' 'expect.health_check_direction = "bidirectional"')

set_up() { topology --edges 1 --routers 4; }

before() {
    health_settings 1 0
    replies_die through 2
}

check() { diagnose; }
