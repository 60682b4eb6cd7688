# What scenarios do with a network: write an agent.conf, capture, run `probe`, judge. Sourced after
# topology.sh; the scenario's folder is $work.

# agent_under: what the daemon is run by, like setpriv.
captures=() captures_say=() agent='' agent_lines=() agent_under=()

# write_configuration [LINE…]: writes agent.conf for this network, with extra lines for the tunnel, and
# those of agent_lines for the agent.
write_configuration() {
    {
        cat <<-END
			[agent]
			state_dir = "$work/state"
			control_socket = "$work/control.sock"
			discover = false
		END
        [[ ${#agent_lines[@]} -eq 0 ]] || printf '%s\n' "${agent_lines[@]}"
        cat <<-END

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

# capture NAMESPACE DEVICE FILE: records ICMP, ESP, UDP (IKE, ESP in UDP) and fragments of a device until
# captures_end.
capture() {
    local says line
    # A pipe for what it says, so that waiting for it takes no polling. Not `on`: the process in the
    # background must be tcpdump itself, to be signalled.
    rm -f "$work/$3.says"
    mkfifo "$work/$3.says"
    ip netns exec "$lab_prefix$1" tcpdump -i "$2" -n -U -s 256 -B 4096 --immediate-mode \
        --time-stamp-precision=nano -Z root -w "$work/$3" 'icmp or icmp6 or esp or udp or (ip[6:2] & 0x3fff != 0)' 2>"$work/$3.says" &
    captures+=("$!")
    exec {says}<"$work/$3.says"
    captures_say+=("$says")
    while read -r -t 60 line <&"$says"; do
        [[ $line != *'listening on'* ]] || return 0
    done
    echo "FAIL tcpdump did not start on $2 of $1: $line"
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
    local k line missed=0
    # What was sent last may still be on its way.
    sleep 0.5
    # Not SIGINT, which a script's background processes ignore.
    kill -TERM "${captures[@]}"
    for k in "${!captures[@]}"; do
        line=''
        while read -r -t 20 line <&"${captures_say[k]}" && [[ $line != *'dropped by kernel'* ]]; do :; done
        [[ $line == '0 packets dropped by kernel' ]] || {
            echo "FAIL a capture is not complete: ${line:-tcpdump said nothing}"
            missed=1
        }
        wait "${captures[k]}" || true
    done
    captures=() captures_say=()
    return $missed
}

# probe_now NAME [ARGUMENT…]: runs `probe now` here and now, on agent.conf unless told otherwise; leaves
# NAME.json, NAME.err, and its exit status in $probe_status.
probe_now() {
    local name=$1
    shift
    probe_status=0
    timeout 120 ip netns exec "$lab_prefix$prober" "$PROBE_BIN" now --local --json --verbose \
        --config "$work/agent.conf" "$@" >"$work/$name.json" 2>"$work/$name.err" || probe_status=$?
}

# agent_start: starts the daemon and waits for its control socket.
agent_start() {
    local waited
    ip netns exec "$lab_prefix$prober" "${agent_under[@]}" "$PROBE_BIN" agent --config "$work/agent.conf" >"$work/agent.log" 2>&1 &
    agent=$!
    agent_started=$SECONDS
    for ((waited = 0; waited < 200; waited++)); do
        [[ ! -S $work/control.sock ]] || return 0
        kill -0 "$agent" 2>/dev/null || break
        sleep 0.4
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

# agent_now NAME: `probe now` by the running agent; leaves NAME.json, and the exit status in $probe_status.
agent_now() {
    probe_status=0
    timeout 60 ip netns exec "$lab_prefix$prober" "$PROBE_BIN" now --json --verbose \
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

# judge NAME [OPTION…]: has NAME.json judged by judge.py, with its exit status and the options.
judge() {
    local name=$1
    shift
    judge_by judge.py --result "$name.json" --exit "$probe_status" --kind "$kind" --role "$role" "$@"
}

# judge_by JUDGE ARGUMENT…: has a judge called with these arguments, in the scenario's folder. That
# happens on the host, where it takes a twentieth of the time, after the guest's end; in the lab's
# shell, at once.
judge_by() {
    if [[ -n ${lab_judge_here-} ]]; then
        (cd "$work" && /usr/bin/python3 "$lab_folder/$1" "${@:2}")
    else
        printf '%q ' "$@" >>"$work/judgements"
        printf '\n' >>"$work/judgements"
    fi
}

# judge_all NAME [OPTION…]: the same with the captures and with what this scenario expects.
judge_all() {
    local name=$1 expected
    shift
    expected=$(catalogue_field "$lab_scenario" expect -)
    judge "$name" --expect "$expected" --got got \
        --inside "$inside_source,$inside_target,$inside_files" \
        --outside "$outside_source,$endpoint_address,$outside_files" "$@"
}

# facts NAME [OPTION…]: has NAME.json judged by the facts on standard input, one a line (judge_facts.py).
facts() {
    local name=$1 number=1
    while [[ -e $work/$1.$number.facts ]]; do number=$((number + 1)); done
    shift
    cat >"$work/$name.$number.facts"
    judge_by judge_facts.py --result "$name.json" --exit "$probe_status" --facts "$name.$number.facts" "$@"
}

# facts_all NAME: the same with the state that this scenario expects.
facts_all() { facts "$1" --expect "$(catalogue_field "$lab_scenario" expect -)" --got got; }

# kernel_judged NAME: has `kernel` of NAME.json compared with what ike_witness NAME wrote down.
kernel_judged() { judge_by judge_kernel.py --result "$1.json" --witness "$1.witness"; }

# note KEY VALUE: writes down what the scenario has seen, for the facts: noted(KEY).
note() { printf '%s %s\n' "$1" "$2" >>"$work/noted"; }

# check_now [OPTION…]: the whole of a scenario that needs one `probe now`; options go to the judge.
check_now() {
    write_configuration
    capture_paths
    probe_now now
    captures_end
    judge_all now --each-probe "$@"
}

# warm_up: one ping on each path, so that no measured packet waits for an address to be resolved.
warm_up() {
    on "$prober" ping -q -c 1 -W 5 -I "$outside_source" "$endpoint_address" >/dev/null
    on "$prober" ping -q -c 1 -W 5 -I "$inside_source" "$inside_target" >/dev/null
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
    judge discovered
    echo 'ok   discover found the tunnel, and check-config takes what it printed'
}

# Leaves nothing running.
checks_end() {
    local pid
    for pid in "${captures[@]}" $agent; do kill -KILL "$pid" 2>/dev/null || true; done
}
