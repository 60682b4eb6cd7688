# NAT on the way, so IKE goes on to UDP 4500, which the ISP drops.
#
# expect: down/2
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    nat_customer 24500
    ike[c.retransmit]='1 1.0 3'
    block to-edge udp 4500
    ike_start
    ike_agent
    ike_initiate
    agent_now now
    agent_stop
    captures_end
    facts_all now <<-END
		file(c.charon.log) matches local host is behind NAT
		file(c.charon.log) matches giving up after 3 retransmits
		ike.failure = no_response
		ike.udp_500 = open
		ike.udp_4500 = filtered
		kernel.sas = []
	END
}
