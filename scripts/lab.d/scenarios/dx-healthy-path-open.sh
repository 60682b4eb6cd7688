# Nothing is broken: four routers, and Echo Replies pass all of them.
#
# matrix: top=none state=healthy exit=0 never=firewall-drops-reply-probe,isp-blocks-icmp-reply watch=30
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --routers 4; }
check() { diagnose; }
