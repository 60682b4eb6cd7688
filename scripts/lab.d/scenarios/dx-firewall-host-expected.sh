# This host's OUTPUT drops Echo Replies, which the provider's checks are.
#
# matrix: top=firewall-drops-reply-probe state=healthy exit=1 never=isp-blocks-icmp-reply watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_lines=('expect.health_check_style = "reply"')

set_up() { topology --edges 1 --routers 4; }

before() {
    health_settings 1 0
    replies_die host
}

check() { diagnose; }
