# The peer answers every rekey with TEMPORARY_FAILURE, as the provider may; a scripted one, for strongSwan will not.
#
# expect: healthy/0|1
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    ike[c.rekey]=5s ike[c.life]=2m
    ike_scripted
    ike_start c
    ike_up
    ike_agent
    warm_up
    agent_wait 10
    agent_now now
    ike_witness now
    agent_stop
    captures_end
    facts_all now <<-END
		file(responder.log) matches CREATE_CHILD_SA, answered with TEMPORARY_FAILURE
		file(c.charon.log) matches N\(TEMP_FAIL\)
		ike.failure = temporary_failure
		ike.udp_500 = open
		ike.esp = flowing
		kernel.rekeys = 0
	END
}
