# The ISP drops UDP 500 on its way to the peer; 4500 passes.
#
# expect: down/2
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    ike[c.retransmit]='1 1.0 3'
    block to-edge udp 500
    ike_start
    ike_agent
    ike_initiate
    agent_now now
    agent_stop
    captures_end
    facts_all now <<-END
		file(c.charon.log) matches giving up after 3 retransmits
		file(e1.charon.log) matches \A(?!.*\[500\] to 198.51.100.1\[500\])
		ike.failure = no_response
		ike.udp_500 = filtered
		ike.udp_4500 = open
		ike.esp = absent
		kernel.sas = []
	END
}
