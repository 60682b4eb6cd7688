# A child SA lives for seconds: every rekey is counted and timed, the lifetimes are shown.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    ike[c.rekey]=4s ike[c.life]=30s ike[c.ike_rekey]=20s
    ike_start
    ike_up
    ike_agent
    warm_up
    agent_wait 20
    agent_status status
    note rekeys "$(grep -c 'outbound CHILD_SA net{[0-9]*} established' "$work/c.charon.log")"
    ike_witness status
    agent_stop
    captures_end
    facts_all status <<-END
		ike.failure = null
		noted(rekeys) >= 3
		kernel.rekeys >= 2
		kernel.rekeys <= noted(rekeys)
		kernel.sas[direction=inbound].soft_expires_at matches ^2
		kernel.sas[].hard_expires_at matches ^2
	END
}
