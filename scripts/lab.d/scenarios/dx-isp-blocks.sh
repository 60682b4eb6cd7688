# Router 2, the ISP's, drops Echo Replies.
#
# matrix: top=isp-blocks-icmp-reply state=healthy exit=0 never=firewall-drops-reply-probe watch=40
# kernel: uml qemu
# timeout: 150

set_up() { topology --edges 1 --routers 4; }
before() { replies_die through 2; }
check() { diagnose; }
