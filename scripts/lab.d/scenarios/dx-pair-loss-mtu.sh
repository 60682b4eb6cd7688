# The underlay loses one packet in seven, and large ones vanish.
#
# matrix: top=underlay-loss also=pmtu-black-hole? explained=inside-path-down? state=degraded|down exit=1|2 settled=3 watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_mtu=1300
diagnosed_lines=('interval = "250ms"')

set_up() { topology --edges 1 --routers 3; }

fault() {
    link_mtu 2 1400
    too_big_filtered 2
    shaped loss 15%
}

check() { diagnose; }
