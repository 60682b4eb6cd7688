# The peer names itself by its address where the customer expects an FQDN: charon itself complains.
#
# expect: down/2
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    # With a pattern the customer asks for no identity, and checks the one that comes.
    ike[c.peer]='*.ipsec.example.net'
    ike_start
    ike_agent
    ike_initiate
    agent_now now
    agent_stop
    captures_end
    facts_all now <<-END
		file(c.charon.log) matches constraint check failed: identity '\*.ipsec.example.net' required
		ike.failure = identity
		ike.udp_500 = open
		kernel.sas = []
	END
}
