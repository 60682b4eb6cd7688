# Dead peer detection is off at the customer, and its action would restart nothing.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    ike[c.dpd]=0s ike[c.dpd_action]=clear
    ike_start
    ike_up
    ike_agent
    warm_up
    agent_wait 6
    agent_status status
    agent_stop
    captures_end
    facts_all status <<-END
		ike.failure = null
		ike.daemon.dpd.delay_seconds = 0
		ike.daemon.dpd.action = none # as vici calls it
		ike.daemon.dpd.restarts = false
	END
}
