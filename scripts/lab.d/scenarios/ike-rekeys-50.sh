# 50 rekeys as fast as they go, under traffic: the outbound totals are tcpdump's count, until a flush takes counters away.
#
# kernel: uml qemu
# timeout: 420

set_up() { topology --edges 1 --ike; }

check() {
    local started
    ike_defaults
    ike_start
    # Before the first SA: nothing may be missed.
    ike_agent
    ike_up
    on c ping -q -i 0.1 -I 10.252.0.1 10.252.0.0 >"$work/ping" 2>&1 &
    ike_pid[ping]=$!
    started=$SECONDS
    /usr/bin/python3 -B "$lab_folder/rekey_by_vici.py" "$work/c.vici" net 50 0.3 >"$work/rekey" 2>&1
    note rekey-seconds $((SECONDS - started))
    note rekeys "$(grep -c 'outbound CHILD_SA net{[0-9]*} established' "$work/c.charon.log")"
    # Nothing leaves while the totals are read and the capture ends.
    kill -INT "${ike_pid[ping]}"
    ike_quiet
    agent_status status
    replay_scrape control.sock status
    ike_witness status
    # Counters of a flushed SA are nowhere: the totals must say that they are bounds.
    ip -n "${lab_prefix}c" xfrm state flush
    sleep 1
    agent_status flushed
    agent_stop
    captures_end
    facts status <<-END
		noted(rekeys) = 50
		noted(rekey-seconds) <= 180 # the guest's speed is not ours
		kernel.rekeys = noted(rekeys)
		kernel.totals.outbound.packets = esp(wan.pcap,$customer_address)
		kernel.totals.outbound.lower_bound = false
		metric(status,tunnelprobe_rekeys_total{tunnel="lab"}) = noted(rekeys)
	END
    facts flushed <<-END
		kernel.totals.outbound.packets <= esp(wan.pcap,$customer_address)
		kernel.totals.outbound.lower_bound = true
		kernel.sas = []
	END
}
