# The IKE SA comes up and the child SA is refused: TS_UNACCEPTABLE.
#
# expect: down/2
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    # The ends disagree about what may pass.
    ike[c.remote_ts]=10.253.0.0/24 ike[e1.ts]=192.168.7.0/24
    ike_start
    ike_agent
    ike_initiate
    agent_now now
    agent_stop
    captures_end
    facts_all now <<-END
		file(c.charon.log) matches received TS_UNACCEPTABLE notify, no CHILD_SA built
		ike.failure = child_refused
		ike.udp_500 = open
		kernel.sas = []
	END
}
