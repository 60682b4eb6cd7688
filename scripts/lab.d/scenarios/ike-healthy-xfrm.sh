# The same on an xfrm interface and Debian's own kernel.
#
# expect: healthy/0
# kernel: qemu
# timeout: 300

set_up() { topology --edges 1 --ike --tunnel xfrm; }

check() {
    ike_defaults
    ike_start
    ike_up
    ike_agent
    warm_up
    agent_now now
    ike_witness now
    kernel_judged now
    agent_stop
    captures_end
    ike_facts_healthy
    facts_all now <<-END
		kind = xfrm
		kernel.policies[].if_id = 42
	END
}
