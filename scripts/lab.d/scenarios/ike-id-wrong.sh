# The customer names itself by its address where the peer expects an FQDN: refused as a wrong secret is.
#
# expect: down/2
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    ike[c.id]=$customer_address
    ike_start
    ike_agent
    ike_initiate
    agent_now now
    agent_stop
    captures_end
    facts_all now <<-END
		file(e1.charon.log) matches no matching peer config found
		file(c.charon.log) matches received AUTHENTICATION_FAILED notify error
		ike.failure = authentication
		ike.udp_500 = open
		kernel.sas = []
	END
}
