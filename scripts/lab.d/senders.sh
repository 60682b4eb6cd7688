# Many senders on one SA: what `probe analyze` predicts from a capture, and what the kernel dropped.
# Sourced by scenarios after topology.sh and checks.sh.

# replay_one_processor: from now on this scenario sends from one processor. On two, two packets could pass
# a capture in one order, and IPsec or another capture in the other.
replay_one_processor() { taskset -pc 0 "$BASHPID" >/dev/null; }

# replay_case NAME WINDOW PACKETS: gives both ends new SAs, the customer's with a replay window; lets
# every edge send, captures it before the customer's IPsec, and has the prediction made from the
# capture alone judged by the kernel's counters. Starts again where tcpdump missed a packet.
replay_case() {
    local name=$1 replay_window=$2 packets=$3 attempt
    for attempt in 1 2 3; do
        replay_states
        replay_window_in_force "$replay_window" || return
        capture "$customer" wan "$name.pcap"
        replay_counters "$name.before"
        /usr/bin/python3 -B "$lab_folder/send_from_edges.py" "$lab_prefix" "$edges" "$packets" "$((replay_window + attempt))" \
            >"$work/$name.sent"
        ! captures_end || break
        [[ $attempt -lt 3 ]] || return 1
        echo 'tcpdump missed packets: once more'
    done
    replay_counters "$name.after"
    replay_edges "$name"
    replay_predict "$name"
    judge_by judge_replay.py --case "$name" --window "$replay_window" --edges "$edges"
}

# replay_states: new SAs everywhere, whose counters begin at 0.
replay_states() {
    local name
    for name in "$customer" $(seq -f 'e%g' 1 "$edges"); do
        say "$name" "xfrm state delete src $customer_address dst $endpoint_address proto esp spi $spi_to_edge"
        say "$name" "xfrm state delete src $endpoint_address dst $customer_address proto esp spi $spi_to_customer"
    done
    replay_first_states
}

# replay_first_states: the same where there are none. Two edges of one rate begin 24 numbers apart and
# stray from there, so that windows of 32 and of 64 judge their numbers differently; each two begin
# below the two that are faster, the slowest out of reach of a window of 1024.
replay_first_states() {
    local k
    _states "$customer"
    for ((k = 1; k <= edges; k++)); do
        _states "e$k" $(((edges - k) / 2 * 2400 / (edges - 2) + k % 2 * 24))
    done
    hear
}

# replay_window_in_force WINDOW: fails unless the customer's kernel says it has this window. Up to 32
# it keeps a legacy bitmap, above a ring that only XFRMA_REPLAY_ESN_VAL can ask for.
replay_window_in_force() {
    local text
    text=$(ip -n "$lab_prefix$customer" xfrm state get src "$endpoint_address" dst "$customer_address" \
        proto esp spi "$spi_to_customer")
    if [[ $1 -le 32 ]]; then
        grep -qE "^\s*replay-window $1( |$)" <<<"$text" && return
    else
        grep -qE "^\s*replay_window $1, bitmap-length $((($1 + 31) / 32))( |$)" <<<"$text" && return
    fi
    printf 'FAIL the replay window in force is not %s:\n%s\n' "$1" "$text"
    return 1
}

# replay_errors FILE, replay_counters FILE: what the customer's kernel counts, without and with its SA.
replay_errors() { on "$customer" cat /proc/net/xfrm_stat >"$work/$1"; }
replay_counters() {
    {
        on "$customer" cat /proc/net/xfrm_stat
        ip -n "$lab_prefix$customer" -s xfrm state get src "$endpoint_address" dst "$customer_address" \
            proto esp spi "$spi_to_customer"
    } >"$work/$1"
}

# replay_edges NAME: what each edge's SA sent, and what its netem threw away of that.
replay_edges() {
    local k
    for ((k = 1; k <= edges; k++)); do
        {
            ip -n "${lab_prefix}e$k" -s xfrm state get src "$endpoint_address" dst "$customer_address" \
                proto esp spi "$spi_to_customer"
            [[ " ${replay_shaped-} " != *" $k "* ]] || tc -n "${lab_prefix}e$k" -s qdisc show dev isp
        } >"$work/$1.e$k"
    done
}

# replay_predict NAME: runs `probe` on the capture where no SA is.
replay_predict() {
    local nowhere=${lab_prefix}nowhere status=0
    [[ -e /run/netns/$nowhere ]] || ip netns add "$nowhere"
    [[ -z $(ip -n "$nowhere" xfrm state) ]] || {
        echo "FAIL $nowhere has an SA"
        return 1
    }
    ip netns exec "$nowhere" "$PROBE_BIN" analyze --json --window "$replay_window" "$work/$1.pcap" \
        >"$work/$1.json" 2>"$work/$1.err" || status=$?
    echo "$status" >"$work/$1.status"
    ip netns exec "$nowhere" "$PROBE_BIN" senders --json --pcap "$work/$1.pcap" \
        >"$work/$1.senders.json" 2>"$work/$1.senders.err" ||
        echo "probe senders ended with status $?" >>"$work/$1.senders.err"
}

# replay_shape EDGE… -- NETEM…: jitter and loss of what these edges send, inside their cables: after
# their SAs, before the customer's.
replay_shape() {
    local k
    replay_shaped=''
    while [[ $1 != -- ]]; do
        replay_shaped+=" $1"
        shift
    done
    shift
    for k in $replay_shaped; do
        # netem counts whatever it loses: nothing but ESP may be in these cables.
        _link_addresses $((10 + k))
        _settle_neighbour "$isp" "edge$k" "$far" "e$k" isp
        _settle_neighbour "e$k" isp "$near" "$isp" "edge$k"
        on "e$k" sysctl -q -w net.ipv6.conf.isp.disable_ipv6=1
        tc -n "${lab_prefix}e$k" qdisc replace dev isp root netem "$@"
    done
}

# _settle_neighbour NS DEVICE ADDRESS THERE THERE_DEVICE: NS never asks for the link address of ADDRESS.
_settle_neighbour() {
    local there
    there=$(ip -n "$lab_prefix$4" -o link show dev "$5" | sed -n 's/.*link\/ether \([^ ]*\).*/\1/p')
    ip -n "$lab_prefix$1" neighbour replace "$3" dev "$2" lladdr "$there" nud permanent
}

# replay_observer_configuration [LINE…]: an agent's configuration for the host at the mirror port.
replay_observer_configuration() {
    {
        cat <<-END
			[agent]
			state_dir = "$work/observer"
			control_socket = "$work/observer.sock"
			listen = ""
			discover = false

			[[tunnel]]
			name = "lab"
			role = "observer"
			remote = "$endpoint_address"
			local = "$customer_address"
			wan_interface = "mirror"
		END
        printf '%s\n' "$@"
    } >"$work/observer.conf"
    mkdir -p "$work/observer"
}

# replay_observer_start, replay_observer_stop: the agent there, beside that of agent_start.
replay_observer_start() {
    ip netns exec "${lab_prefix}obs" "$PROBE_BIN" agent --config "$work/observer.conf" >"$work/observer.log" 2>&1 &
    observing=$!
}
replay_observer_stop() {
    local status=0
    kill -TERM "$observing"
    wait "$observing" || status=$?
    [[ $status -eq 0 ]] || {
        echo "FAIL the observer's agent ended with status $status: $(tail -n 5 "$work/observer.log")"
        return 1
    }
}

# replay_wait_for FILE TEXT: waits until an agent has logged something.
replay_wait_for() {
    local waited
    for ((waited = 0; waited < 100; waited++)); do
        ! grep -q "$2" "$1" 2>/dev/null || return 0
        sleep 0.4
    done
    echo "FAIL no '$2' in $1: $(tail -n 5 "$1")"
    return 1
}

# replay_scrape SOCKET NAME: an agent's metrics in NAME.metrics, and in NAME.when the nanoseconds between
# which they were made.
replay_scrape() {
    local began
    began=$(date +%s%N)
    timeout 30 curl -sS --fail --unix-socket "$work/$1" -o "$work/$2.metrics" http://agent/metrics
    echo "$began $(date +%s%N)" >"$work/$2.when"
}
