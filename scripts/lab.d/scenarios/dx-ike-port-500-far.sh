# The second of three routers drops UDP 500 to the peer: the finding says between which two it dies.
#
# matrix: top=ike-port-500-blocked explained=no-security-association,inside-path-down? state=down exit=2 watch=30
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --routers 3 --ike; }

before() {
    ike_sound
    ike[c.retransmit]='1 1.0 3'
    router 2
    rule "$router" forward udp-500
    rules
    ike_start
}

fault() { ike_initiate; }

proof() {
    router 2
    note second "$router_address"
    facts now <<-END
		file(c.charon.log) matches giving up after 3 retransmits
		ike.udp_500 = filtered
		ike.probe.ports[0].hop_ladder.complete = true
		ike.probe.ports[0].hop_ladder.last_hop = 2
		ike.probe.ports[0].hop_ladder.last_router = noted(second)
		findings[id=ike-port-500-blocked].evidence[1] matches as far as hop 2 .*hop 3 .*they die between the two
		END
}

check() { diagnose; }
