# NAT on the way, so IKE goes on to UDP 4500, which the ISP drops.
#
# matrix: top=ike-port-4500-blocked explained=no-security-association,inside-path-down? state=down exit=2 watch=30
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    nat_customer 24500
    ike[c.retransmit]='1 1.0 3'
    block to-edge udp 4500
    ike_start
}

fault() { ike_initiate; }

proof() {
    facts now <<-END
		file(c.charon.log) matches local host is behind NAT
		ike.udp_500 = open
		END
}

check() { diagnose; }
