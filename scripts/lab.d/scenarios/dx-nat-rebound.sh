# The peer is behind NAT, which gives it another port.
#
# matrix: top=none also=sa-rebound-nat state=healthy|degraded exit=0|1 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    nat_edge 24500
    # Its address is its own, so it cannot notice the NAT by itself.
    ike[e1.encap]=yes
    ike_start
    ike_up
    from_provider
}

fault() { nat_edge 34500; }

proof() {
    facts now <<-END
		kernel.mapping_changes >= 1
		END
}

check() { diagnose; }
