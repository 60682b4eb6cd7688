# The customer's own router drops Echo Replies.
#
# matrix: top=firewall-drops-reply-probe state=healthy exit=0 never=isp-blocks-icmp-reply watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --routers 4; }
before() { replies_die through 1; }
check() { diagnose; }
