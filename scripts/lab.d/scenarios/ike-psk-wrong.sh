# The pre-shared keys differ: the peer refuses with AUTHENTICATION_FAILED, and was heard to.
#
# expect: down/2
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    ike[e1.secret]='something else'
    ike_start
    ike_agent
    ike_initiate
    agent_now now
    agent_stop
    captures_end
    facts_all now <<-END
		file(e1.charon.log) matches but MAC mismatched
		file(c.charon.log) matches received AUTHENTICATION_FAILED notify error
		ike.failure = authentication
		ike.udp_500 = open
		ike.udp_4500 = open
		kernel.sas = []
	END
}
