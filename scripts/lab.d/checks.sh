# What scenarios do with a network: write an agent.conf, capture, run `probe`, judge. Sourced after
# topology.sh; the scenario's folder is $work.

captures=() agent=''

# write_configuration [LINE…]: writes agent.conf for this network, with extra lines for the tunnel.
write_configuration() {
    {
        cat <<-END
			[agent]
			state_dir = "$work/state"
			control_socket = "$work/control.sock"
			discover = false

			[[tunnel]]
			name = "lab"
			role = "$role"
			remote = "$endpoint_address"
			local = "$outside_source"
			wan_interface = "$wan_device"
		END
        [[ $role == observer || -z $tunnel_device ]] || echo "tunnel_interface = \"$tunnel_device\""
        cat <<-END
			inside_source = "$inside_source"
			inside_target = "$inside_target"
			inside_beyond = "$inside_beyond"
		END
        [[ $# -eq 0 ]] || printf '%s\n' "$@"
    } >"$work/agent.conf"
    mkdir -p "$work/state"
}

# capture NAMESPACE DEVICE FILE: records ICMP and ESP of a device until captures_end.
capture() {
    local waited
    # Not `on`: the process in the background must be tcpdump itself, to be signalled.
    ip netns exec "$lab_prefix$1" tcpdump -i "$2" -n -U -s 256 -B 4096 --immediate-mode --time-stamp-precision=nano -Z root \
        -w "$work/$3" 'icmp or icmp6 or esp' 2>"$work/$3.log" &
    captures+=("$!")
    for ((waited = 0; waited < 200; waited++)); do
        ! grep -q 'listening on' "$work/$3.log" || return 0
        sleep 0.1
    done
    echo "FAIL tcpdump did not start on $2 of $1: $(<"$work/$3.log")"
    return 1
}

# capture_paths: the captures that show every probe and every answer of this network. Sets
# inside_files and outside_files.
capture_paths() {
    local k
    outside_files=wan.pcap inside_files=wan.pcap
    capture "$prober" "$wan_device" wan.pcap
    if [[ $role == endpoint && -n $tunnel_device ]]; then
        capture "$prober" "$tunnel_device" inside.pcap
        inside_files=inside.pcap
    elif [[ $role == endpoint ]]; then
        # Without a device, cleartext is seen where it was decrypted: requests at the edges, replies here.
        for ((k = 1; k <= edges; k++)); do
            capture "e$k" isp "e$k.pcap"
            inside_files+="+e$k.pcap"
        done
    fi
}

# captures_end: stops the captures, and fails if tcpdump missed a packet.
captures_end() {
    local pid log missed=0
    # What was sent last may still be on its way.
    sleep 0.5
    for pid in "${captures[@]}"; do
        # Not SIGINT, which a script's background processes ignore.
        kill -TERM "$pid"
        wait "$pid" || true
    done
    captures=()
    for log in "$work"/*.pcap.log; do
        grep -q '^0 packets dropped by kernel' "$log" || {
            echo "FAIL tcpdump's own count of $log: $(tail -n 1 "$log")"
            missed=1
        }
    done
    return $missed
}

# probe_now NAME [ARGUMENT…]: runs `probe now` here and now, on agent.conf unless told otherwise; leaves
# NAME.json, NAME.err, and its exit status in $probe_status.
probe_now() {
    local name=$1
    shift
    probe_status=0
    timeout 60 ip netns exec "$lab_prefix$prober" "$PROBE_BIN" now --local --json --verbose \
        --config "$work/agent.conf" "$@" >"$work/$name.json" 2>"$work/$name.err" || probe_status=$?
}

# agent_start: starts the daemon and waits for its control socket.
agent_start() {
    local waited
    ip netns exec "$lab_prefix$prober" "$PROBE_BIN" agent --config "$work/agent.conf" >"$work/agent.log" 2>&1 &
    agent=$!
    agent_started=$SECONDS
    for ((waited = 0; waited < 100; waited++)); do
        [[ ! -S $work/control.sock ]] || return 0
        kill -0 "$agent" 2>/dev/null || break
        sleep 0.2
    done
    echo "FAIL the agent opened no control socket: $(tail -n 5 "$work/agent.log")"
    return 1
}

# agent_wait SECONDS: waits until the agent has run so long.
agent_wait() {
    local left=$(($1 - (SECONDS - agent_started)))
    ((left <= 0)) || sleep "$left"
}

# agent_status NAME: leaves NAME.json, and the exit status in $probe_status.
agent_status() {
    probe_status=0
    timeout 30 ip netns exec "$lab_prefix$prober" "$PROBE_BIN" status --json --verbose \
        --config "$work/agent.conf" >"$work/$1.json" 2>"$work/$1.err" || probe_status=$?
}

# agent_stop: SIGTERM must end it, with status 0.
agent_stop() {
    local status=0
    kill -TERM "$agent"
    wait "$agent" || status=$?
    agent=''
    [[ $status -eq 0 ]] || {
        echo "FAIL the agent ended with status $status after SIGTERM: $(tail -n 5 "$work/agent.log")"
        return 1
    }
    echo 'ok   the agent ended cleanly after SIGTERM'
}

# judge NAME [OPTION…]: compares NAME.json with the captures and with what this scenario expects.
judge() {
    local name=$1
    shift
    /usr/bin/python3 "$lab_folder/judge.py" --result "$work/$name.json" --exit "$probe_status" \
        --expect "$(sed -n 's/^# expect: *//p' "$lab_folder/scenarios/$lab_scenario.sh")" \
        --inside "$inside_source,$inside_target,$inside_files" \
        --outside "$outside_source,$endpoint_address,$outside_files" \
        --kind "$kind" --role "$role" --got "$work/got" "$@" || {
        [[ ! -s $work/$name.err ]] || sed "s/^/$name.err: /" "$work/$name.err"
        return 1
    }
}

# check_now [OPTION…]: the whole of a scenario that needs one `probe now`; options go to the judge.
check_now() {
    write_configuration
    capture_paths
    probe_now now
    captures_end
    judge now "$@"
}

# check_discovery: with no tunnel configured, `probe discover` finds this one, and what it prints is a
# configuration that works as it stands.
check_discovery() {
    local found=$work/discovered.conf line
    printf '[agent]\nstate_dir = "%s"\n' "$work/state" >"$work/empty.conf"
    on "$prober" "$PROBE_BIN" discover --config "$work/empty.conf" >"$found" 2>"$work/discover.err" || {
        echo "FAIL probe discover ended with status $?: $(<"$work/discover.err")"
        return 1
    }
    on "$prober" "$PROBE_BIN" check-config "$found" >"$work/check-config.out" 2>&1 || {
        echo "FAIL check-config refuses what discover printed (status $?): $(<"$work/check-config.out")"
        return 1
    }
    for line in "remote = \"$endpoint_address\"" \
        ${tunnel_device:+"tunnel_interface = \"$tunnel_device\""}; do
        grep -qxF "$line" "$found" || {
            printf 'FAIL discover printed no line: %s\n%s\n' "$line" "$(<"$found")"
            return 1
        }
    done
    probe_now discovered --config "$found"
    /usr/bin/python3 "$lab_folder/judge.py" --result "$work/discovered.json" --exit "$probe_status" \
        --kind "$kind" --role endpoint || return 1
    echo 'ok   discover found the tunnel, and check-config and probe now take what it printed'
}

# Leaves nothing running.
checks_end() {
    local pid
    for pid in "${captures[@]}" $agent; do kill -KILL "$pid" 2>/dev/null || true; done
    topology_remove
}
