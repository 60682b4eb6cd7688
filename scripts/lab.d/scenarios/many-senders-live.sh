# Six edges send while the agent and an observer at a mirror port watch: their metrics are the kernel's counters.
#
# kernel: uml qemu
# timeout: 420

set_up() {
    topology --edges 6 --replay-window 32
    # A switch that shows a host what passes the appliance's WAN port, both ways.
    ip -batch - <<-END
		netns add ${lab_prefix}obs
		link add span netns ${lab_prefix}c type veth peer name mirror netns ${lab_prefix}obs
	END
    say c 'link set span up'
    say obs 'link set lo up'
    say obs 'link set mirror up'
    hear
    modprobe -a sch_ingress cls_matchall act_mirred
    tc -n "${lab_prefix}c" -batch - <<-END
		qdisc add dev wan clsact
		filter add dev wan ingress matchall action mirred egress mirror dev span
		filter add dev wan egress matchall action mirred egress mirror dev span
	END
}

check() {
    replay_one_processor
    # A guest may stall for longer than the usual ring lasts.
    local settings=('replay_windows = [32, 64, 1024]' 'capture_buffer = "32MiB"')
    write_configuration "${settings[@]}"
    replay_observer_configuration "${settings[@]}"
    # Both must see the SAs' first packets.
    tunnel_dead
    ip -n "$lab_prefix$customer" xfrm state flush
    capture "$customer" wan live.pcap
    agent_start
    replay_observer_start
    replay_wait_for "$work/agent.log" 'ESP is captured'
    replay_wait_for "$work/observer.log" 'ESP is captured'
    replay_errors live.before
    replay_first_states
    replay_window_in_force 32
    /usr/bin/python3 -B "$lab_folder/send_from_edges.py" "$lab_prefix" "$edges" 2000 1 >"$work/live.sent"
    # The agent's own probes are answered through the tunnel too: without answers, what comes in stands still.
    underlay_dead silent
    sleep 2
    replay_scrape control.sock live
    replay_scrape observer.sock observer
    agent_status status
    on "$customer" "$PROBE_BIN" senders --json --config "$work/agent.conf" >"$work/live.senders.json"
    replay_counters live.after
    replay_edges live
    agent_stop
    replay_observer_stop
    captures_end
    judge_by judge_live.py --case live --windows 32,64,1024 --edges "$edges"
}
