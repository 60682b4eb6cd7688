# A scenario of the matrix: the agent runs, something breaks, and what it says of it is watched, timed and
# judged (matrix.py). Sourced after the other parts.
#
# Such a scenario has a field `matrix` and, besides set_up, these functions, of which only `fault` must be:
#
#   before   what runs already: key daemons, traffic of others
#   settle   instead of waiting until the tunnel is healthy, and as long as `settled` says
#   fault    breaks it. Without `settled` it is called right after the agent's start
#   proof    what shows, by other tools, that it is really broken: facts about `status` or `now`
#
# and in diagnosed_lines more lines of agent.conf for the tunnel. The tunnel's device has an MTU that fits unless
# diagnosed_mtu says another.

diagnosed_lines=() diagnosed_mtu=1400

# _stamp KEY: the time, in `times`.
_stamp() { printf '%s %s\n' "$1" "$EPOCHREALTIME" >>"$work/times"; }

# diagnose: the whole check of such a scenario.
diagnose() {
    local expected settled limit watcher
    expected=$(catalogue_field "$lab_scenario" matrix '')
    settled=$(_matrix_word "$expected" settled 0) limit=$(_matrix_word "$expected" watch 20)
    # A plain GRE device has the right one by itself.
    if [[ -n $tunnel_device && $tunnel != gre && $role == endpoint ]]; then
        ip -n "$lab_prefix$customer" link set "$tunnel_device" mtu "$diagnosed_mtu"
    fi
    ! declare -F before >/dev/null || before
    if [[ -n $ike_keys ]]; then
        ike_configuration "${diagnosed_lines[@]}"
    else
        write_configuration "${diagnosed_lines[@]}"
    fi
    agent_start
    # The fault's time when it is there from the start: the agent is up.
    local started=$EPOCHREALTIME
    (cd "$work" && exec /usr/bin/python3 -B "$lab_folder/matrix_watch.py" control.sock "$expected" "$limit") &
    watcher=$!
    topology_pids+=("$watcher")
    if [[ $settled != 0 ]]; then
        _wait_for_healthy
        sleep "$settled"
        started=$EPOCHREALTIME
    fi
    printf 'broken %s\n' "$started" >>"$work/times"
    ! declare -F fault >/dev/null || fault
    _stamp placed
    printf 'fault %s\n' "$started" >>"$work/times"
    printf '%s' "$started" >"$work/fault.new"
    mv "$work/fault.new" "$work/fault"
    wait "$watcher" || true
    _stamp now
    local status=0
    timeout 60 ip netns exec "$lab_prefix$prober" "$PROBE_BIN" now --json --config "$work/agent.conf" \
        >"$work/now.json" 2>"$work/now.err" || status=$?
    _stamp now-end
    echo "$status" >"$work/now.exit"
    agent_status status
    echo "$probe_status" >"$work/status.exit"
    ! declare -F proof >/dev/null || proof
    agent_stop
    [[ ${#captures[@]} -eq 0 ]] || captures_end
    judge_by matrix.py judge --name "$lab_scenario" --expect "$expected"
}

# fault_begins: the fault is timed from now on, and not from when `fault` was called.
fault_begins() { started=$EPOCHREALTIME; }

# background NAME COMMAND…: runs a command in a namespace till the scenario's end.
background() {
    ip netns exec "$lab_prefix$1" "${@:2}" >>"$work/background.log" 2>&1 &
    topology_pids+=("$!")
}

# edges_send PER_SECOND [SEED]: every edge sends so many packets a second through its own end of the tunnel.
edges_send() { background "$customer" /usr/bin/python3 -B "$lab_folder/send_steadily.py" "$lab_prefix" "$edges" "$1" 300; }

# checks_come STYLE unidirectional|bidirectional answered|unanswered: the provider's health checks, till the end.
checks_come() {
    local source destination tries=1
    case $1-$2 in
    reply-unidirectional) source=$customer_address destination=$prober_outside ;;
    reply-bidirectional) source=$inside_source destination=$prober_inside ;;
    request-unidirectional) source=$prober_outside destination=$customer_address ;;
    request-bidirectional) source=$inside_target destination=$inside_source ;;
    esac
    # One that is not answered is repeated.
    [[ $3 == answered ]] || tries=3
    background hp /usr/bin/python3 -B "$lab_folder/send_checks.py" "$1" "$source" "$destination" 8 300 "$tries"
}

# ike_sound: ike_defaults, with nothing in it that the provider advises against: an identity of its form, and dead
# peer detection that starts again.
ike_sound() {
    ike_defaults
    ike[c.id]=0123456789abcdef0123456789abcdef.fedcba9876543210fedcba9876543210.ipsec.cloudflare.com
    ike[e1.peer]=${ike[c.id]}
    ike[c.dpd]=20s
}

# _matrix_word LINE KEY DEFAULT
_matrix_word() {
    local word
    for word in $1; do
        [[ $word != "$2="* ]] || {
            echo "${word#*=}"
            return
        }
    done
    echo "$3"
}

# _wait_for_healthy: until the watcher has seen it, or 20 s.
_wait_for_healthy() {
    local waited
    for ((waited = 0; waited < 50; waited++)); do
        ! tail -n 1 "$work/watch.jsonl" 2>/dev/null | grep -q '"state": "healthy"' || return 0
        sleep 0.4
    done
    echo 'FAIL the tunnel was not healthy before the fault'
    return 1
}
