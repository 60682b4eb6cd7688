# Three rekeys whose edges lag 0.2 to 2 s, with deletes in between: timed by the agent, an observer and `probe analyze`.
#
# kernel: uml qemu
# timeout: 420

set_up() {
    topology --edges 3
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

# _inbound NUMBER: the customer's inbound SA of a rekey, as `ip xfrm state` names it.
_inbound() { echo "src $endpoint_address dst $customer_address proto esp spi $((spi_to_customer + $1 * 256))"; }

# rekey NUMBER: make before break. The last edge still sends on the old SA when the customer deletes it.
rekey() {
    local old new k
    local parameters="reqid $tunnel_mark mode tunnel aead rfc4106(gcm(aes)) $key_to_customer 128 replay-window 0"
    old=$(_inbound $(($1 - 1))) new=$(_inbound "$1")
    local before
    before=$(date +%s%N)
    say c "xfrm state add $new $parameters"
    hear
    echo "$1 $before $(date +%s%N)" >>"$work/rekeys.installed"
    for k in 1 2 3; do
        sleep "0.$((k * 2))"
        if [[ $k == 3 ]]; then
            say c "xfrm state delete $old"
            hear
            sleep 0.5
        fi
        say "e$k" "xfrm state add $new $parameters"
        say "e$k" "xfrm state delete $old"
        hear
    done
}

check() {
    local number
    replay_one_processor
    local settings=('interval = "200ms"' 'capture_buffer = "32MiB"')
    write_configuration "${settings[@]}"
    replay_observer_configuration "${settings[@]}"
    capture "$customer" wan rekeys.pcap
    agent_start
    replay_observer_start
    replay_wait_for "$work/agent.log" 'ESP is captured'
    replay_wait_for "$work/observer.log" 'ESP is captured'
    replay_errors rekeys.before
    /usr/bin/python3 -B "$lab_folder/send_steadily.py" "$lab_prefix" 3 50 75 >"$work/rekeys.sent" &
    local sending=$!
    # The agent looks at the SAs every ten seconds.
    sleep 14
    for number in 1 2 3; do
        rekey "$number"
        sleep 4
    done
    # A rekey is over when the old SPI has been silent for 30 s.
    sleep 34
    agent_status status
    replay_scrape control.sock rekeys
    replay_scrape observer.sock observer
    ip netns exec "${lab_prefix}obs" "$PROBE_BIN" status --json --config "$work/observer.conf" \
        >"$work/observer.json" 2>"$work/observer.err" || true
    wait "$sending"
    replay_errors rekeys.after
    agent_stop
    replay_observer_stop
    captures_end
    replay_window=64
    replay_predict rekeys
    judge_by judge_rekeys.py
}
