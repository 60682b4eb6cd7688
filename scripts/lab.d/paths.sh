# Scenarios about paths: who blocks the replies, and how large a packet fits. Sourced after checks.sh and
# underlay.sh. What is true is asked of ping, hping3 and tracepath in the same run.

# path_now [SECONDS]: `probe now` with so much time (45; a single router behind a filter takes 23), between captures; leaves now.json.
path_now() {
    write_configuration "${path_lines[@]}"
    capture "$prober" "$wan_device" wan.pcap
    warm_up || true
    probe_now now --timeout "${1-45}"
    captures_end
}
path_lines=()

# path_daemon SECONDS: the daemon for that long; leaves now.json.
path_daemon() {
    write_configuration "${path_lines[@]}"
    capture "$prober" "$wan_device" wan.pcap
    agent_start
    agent_wait "$1"
    agent_status now
    agent_stop
    captures_end
}

# ladder_witness: hping3 sends an Echo Request and an unsolicited Echo Reply with every hop limit up to the
# last router's; leaves `ladder`: "request|reply HOP ANSWERS ROUTER", as it says. One after the other: it
# takes any Time Exceeded for its own.
ladder_witness() {
    local hop style
    for ((hop = 1; hop <= routers; hop++)); do
        for style in request reply; do
            if [[ $outer == 6 ]]; then
                # hping3 knows no IPv6.
                on "$prober" /usr/bin/python3 -B "$lab_folder/send_echoes6.py" "$style" "$endpoint_address" "$hop"
            else
                local type=8
                [[ $style == request ]] || type=0
                on "$prober" hping3 --icmp --icmptype "$type" --force-icmp --ttl "$hop" -c 1 -n "$endpoint_address" || true
            fi >"$work/hping" 2>&1
            # TTL 0 during transit from ip=192.0.2.6
            awk -v name="$style $hop" '
                /during transit from/ { answers++; sub(/.*ip=/, ""); router = $1 }
                END { print name, answers + 0, router }' "$work/hping"
        done
    done >"$work/ladder"
}

# size_witness PATH BYTES: notes whether ping gets a packet of BYTES answered on the path, as PATH-fits,
# and one that is one byte larger, as PATH-larger.
size_witness() {
    local from=$outside_source to=$endpoint_address header=28 one other
    if [[ $1 == inside ]]; then
        from=$inside_source to=$inside_target
    elif [[ $outer == 6 ]]; then
        header=48
    fi
    on "$prober" ping -q -n -M do -c 3 -i 0.3 -W 3 -I "$from" -s $(($2 - header)) "$to" >"$work/ping.$1.$2" 2>&1 &
    one=$!
    on "$prober" ping -q -n -M do -c 3 -i 0.3 -W 1 -I "$from" -s $(($2 - header + 1)) "$to" >"$work/ping.$1.$(($2 + 1))" 2>&1 &
    other=$!
    if wait "$one"; then note "$1-fits" yes; else note "$1-fits" no; fi
    if wait "$other"; then note "$1-larger" yes; else note "$1-larger" no; fi
}

# facts_open HOPS, facts_blocked AFTER [PLACE]: what now.json says of the outside, and hping3 of the same.
# With `silent` in quiet_hops, those hops answer nothing.
facts_open() {
    {
        printf '%s\n' 'reply_path.outside.verdict = open' 'reply_path.outside.blocked_after_hop = null' \
            'reply_path.outside.confidence >= 0.99' "reply_path.outside.last_hop_reply = $1" \
            "reply_path.outside.last_hop_request >= $1" "file(ladder) matches ^reply $1 [12]"
    } | facts_all now
}
facts_blocked() {
    local after=$1 near="$1" addresses='' k lines
    # On a busy machine an answer may come too late: then the neighbours are as likely, and it says so.
    for ((k = after > 0 ? after - 1 : 0; k <= after + 1 && k <= routers; k++)); do
        near+=", $k"
        [[ $k != 0 ]] || continue
        router "$k"
        addresses+=", \"$router_address\""
    done
    lines=('reply_path.outside.verdict = blocked' "reply_path.outside.blocked_after_hop in [$near]"
        "reply_path.outside.likely_hops has $after" 'count(reply_path.outside.likely_hops[]) <= 2'
        'reply_path.outside.confidence >= 0.99' "file(ladder) matches ^reply $((after + 1)) 0"
        "file(ladder) matches ^request $((after + 1)) [12]")
    [[ $after == 0 ]] || lines+=("reply_path.outside.blocked_after_address in [${addresses#, }]" "file(ladder) matches ^reply $after [12]")
    case ${2-} in
    '') ;;
    this_host) lines+=("reply_path.outside.place = $2") ;;
    *) lines+=("reply_path.outside.place in [\"$2\", null]") ;;
    esac
    printf '%s\n' "${lines[@]}" | facts_all now
}

# facts_size OUTSIDE INSIDE: the path MTUs of now.json, and what ping says of both sizes.
facts_size() {
    facts_all now <<-END
		path_mtu.outside.bytes = $1
		path_mtu.inside.bytes = $2
		noted(outside-fits) = yes
		noted(outside-larger) = no
		noted(inside-fits) = yes
		noted(inside-larger) = no
	END
}

# tracepath_witness: what tracepath finds, in `tracepath`.
tracepath_witness() { on "$prober" timeout 20 tracepath -n -m 6 "$endpoint_address" >"$work/tracepath" 2>&1 || true; }

# path_wait NAME SECONDS PATTERN: waits so long until the agent's path_mtu matches; leaves NAME.json.
path_wait() {
    local end=$((SECONDS + $2))
    while :; do
        agent_status "$1"
        if sed -n '/"path_mtu"/,/"probes"/p' "$work/$1.json" | grep -q "$3" || ((SECONDS >= end)); then return; fi
        sleep 1
    done
}

# lan_host: adds a host h behind the customer, 10.1.0.20.
lan_host() {
    _said_namespaces='' _said_links=''
    _namespace h
    _link c lan 10.1.0.1/24 h lan 10.1.0.20/24
    say h 'route add default via 10.1.0.1'
    ip -batch - <<<"$_said_namespaces$_said_links"
    hear
}

# mss_case: that host opens connections through the tunnel while the daemon runs; leaves now.json, and in
# `syns` what tcpdump says of them on the tunnel device.
mss_case() {
    local k
    write_configuration
    capture c wan wan.pcap
    ip netns exec "${lab_prefix}c" tcpdump -i "$tunnel_device" -n -l -v -Z root 'tcp[tcpflags] & tcp-syn != 0' \
        >"$work/syns" 2>/dev/null &
    captures_quiet=$!
    agent_start
    sleep 2
    for k in 1 2 3 4 5; do
        on h timeout 2 bash -c "exec 3<>/dev/tcp/10.253.0.66/$((8000 + k))" 2>/dev/null &
    done
    # The path's MTU must be known, too.
    agent_wait "${1-25}"
    agent_status now
    agent_stop
    kill "$captures_quiet" || true
    captures_end
}

readonly reflector_address=198.51.100.70

# reflected [SECONDS]: `probe reflect` at edge 1, on an address of its own, and `probe now` with it.
reflected() {
    local key=$work/reflect.key reflecting
    (umask 077 && od -An -v -tx1 -N 32 /dev/urandom >"$key")
    ip -n "${lab_prefix}e1" address add "$reflector_address/32" dev lo
    capture e1 isp e1.pcap
    ip netns exec "${lab_prefix}e1" "$PROBE_BIN" reflect --key-file "$key" --listen "$reflector_address" \
        >"$work/reflect.log" 2>&1 &
    reflecting=$!
    path_lines=("reflector = \"$reflector_address\"" "reflector_key_file = \"$key\"")
    path_now "$@"
    kill -TERM "$reflecting"
    wait "$reflecting" || echo "FAIL the reflector ended with status $?: $(tail -n 3 "$work/reflect.log")"
    rm "$key"
}
