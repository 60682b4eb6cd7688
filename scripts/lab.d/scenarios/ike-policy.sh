# A policy-based tunnel that strongSwan negotiated: the selectors are known, no device is.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike --tunnel policy; }

check() {
    ike_defaults
    ike[c.ts]=10.1.0.0/24 ike[e1.ts]=10.2.0.0/24
    ike_start
    ike_up
    ike_agent
    warm_up
    agent_now now
    ike_witness now
    agent_stop
    captures_end
    facts_all now <<-END
		file(c.charon.log) matches CHILD_SA net\{1\} established .* TS 10.1.0.0/24 === 10.2.0.0/24
		kind = policy
		kernel.available = true
		kernel.route_based = false
		kernel.policies[direction=out].source = 10.1.0.0/24
		kernel.policies[direction=out].destination = 10.2.0.0/24
		ike.failure = null
		ike.esp = flowing
	END
}
