# The ISP drops everything, IKE too: nothing is wrong with the negotiation.
#
# matrix: top=underlay-down explained=inside-path-down?,esp-blocked?,underlay-loss?,ike-port-500-blocked?,ike-port-4500-blocked?,no-security-association? state=down exit=2 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike_start
    ike_up
}

fault() { underlay_dead silent; }

check() { diagnose; }
