# A NAT swallows unsolicited Echo Replies: what is behind it cannot be seen.
#
# matrix: top=none unknown=isp-blocks-icmp-reply state=healthy exit=0 never=isp-blocks-icmp-reply,firewall-drops-reply-probe watch=35
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --routers 4 --nat; }
check() { diagnose; }
