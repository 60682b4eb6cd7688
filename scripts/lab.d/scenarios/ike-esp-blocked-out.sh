# IKE is up; the peer's ESP comes, and what leaves here is dropped on its way there.
#
# expect: unknown/1|3
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    block to-edge esp
    ike_start
    ike_agent
    ike_up
    from_provider
    agent_now now
    ike_witness now
    agent_stop
    captures_end
    facts_all now <<-END
		file(c.charon.log) matches CHILD_SA net\{1\} established
		ike.failure = null
		ike.udp_500 = open
		ike.esp = flowing # the provider sends, and is not answered
		kernel.sas[direction=outbound].packets > 0
		kernel.sas[direction=inbound].packets > 0
		probes[path=inside].received = 0
	END
}
