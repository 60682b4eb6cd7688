# A policy-based tunnel whose selectors do not cover what the provider checks with: dropped, and that is why.
#
# kernel: uml qemu
# timeout: 420

set_up() {
    topology --edges 1 --tunnel policy
    health_prober
}

check() {
    health_settings 1 0
    write_configuration 'reply_path_interval = "1h"' 'pmtu_interval = "1h"'
    capture c wan wan.pcap
    agent_start
    sleep 1
    health_checks 6 reply "$customer_address" "$prober_outside" 3
    sleep 1
    on c cat /proc/net/xfrm_stat >"$work/xfrm"
    agent_status now
    agent_stop
    captures_end
    facts now <<-END
		file(xfrm) matches XfrmIn(NoPols|TmplMismatch)\s+[1-9]
		echoes(wan.pcap,reply,$customer_address,$prober_outside,62) = 0
		provider_checks.style = reply
		provider_checks.answered_ratio = 0
		provider_checks.unanswered_because = selectors
	END
}
