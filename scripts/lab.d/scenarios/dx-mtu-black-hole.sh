# A link of 1400 bytes behind router 2, whose Packet Too Big is filtered.
#
# matrix: top=pmtu-black-hole state=healthy exit=0 watch=40
# kernel: uml qemu
# timeout: 150

diagnosed_mtu=1300

set_up() { topology --edges 1 --routers 3; }

before() {
    link_mtu 2 1400
    too_big_filtered 2
}

check() { diagnose; }
