# This host drops Echo Replies and so does the ISP, which cannot be seen behind the first.
#
# matrix: top=firewall-drops-reply-probe unknown=isp-blocks-icmp-reply state=healthy exit=0 watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --routers 4; }

before() {
    replies_die host
    replies_die through 2
}

check() { diagnose; }
