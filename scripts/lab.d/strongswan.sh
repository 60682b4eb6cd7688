# Two strongSwan daemons that negotiate the tunnel: one at the customer, one at edge 1. Sourced after
# topology.sh and checks.sh; for networks of `topology --edges 1 --ike`.
#
# A scenario changes what it is about in the table `ike`, whose keys are END.SETTING, and starts the
# ends with ike_start. END is c or e1. Every daemon has a configuration, a vici socket and a log of its
# own: $work/END.vici, $work/END.charon.log.

declare -A ike ike_pid

# The plugins that IKEv2 with a secret takes. Explicit: what the package would load reads files and
# sockets of the host, and starting OpenSSL takes seconds where each page fault is dear.
readonly ike_plugins='random nonce aes sha1 sha2 hmac kdf gcm gmp kernel-netlink socket-default vici counters'

# What the two ends agree on unless a scenario says otherwise.
ike_defaults() {
    local end
    # The customer's identity has the form that the provider hands out.
    ike[c.id]=0123abcd.4567ef01.ipsec.example.net ike[c.address]=$customer_address
    ike[e1.id]=$endpoint_address ike[e1.address]=$endpoint_address
    for end in c e1; do
        ike[$end.secret]='correct horse battery staple'
        ike[$end.proposals]=aes256gcm16-prfsha256-modp2048
        ike[$end.esp]=aes256gcm16
        ike[$end.encap]=no
        ike[$end.ike_rekey]=8h
        ike[$end.rekey]=1h
        ike[$end.life]=66m
        ike[$end.dpd]=0s
        ike[$end.dpd_action]=restart
        ike[$end.replay_window]=0
        ike[$end.ts]=0.0.0.0/0
        # Seconds to the first retransmission, the factor of the next, and how many. Giving up takes no
        # minutes here.
        ike[$end.retransmit]='2 1.0 4'
    done
    ike[c.peer]=${ike[e1.id]} ike[e1.peer]=${ike[c.id]}
}

# _ike_write END OTHER: the files of one daemon.
_ike_write() {
    local end=$1 other=$2 timeout base tries bound=''
    read -r timeout base tries <<<"${ike[$end.retransmit]}"
    case $tunnel/$end in
    xfrm/c) bound="if_id_in = $tunnel_mark"$'\n'"if_id_out = $tunnel_mark" ;;
    policy/*) ;;
    *) bound="mark_in = $tunnel_mark"$'\n'"mark_out = $tunnel_mark" ;;
    esac
    cat >"$work/$end.strongswan.conf" <<-END
		charon {
		    load = $ike_plugins
		    install_routes = no
		    install_virtual_ip = no
		    retransmit_timeout = $timeout
		    retransmit_base = $base
		    retransmit_tries = $tries
		    threads = 8
		    # In a scenario of seconds the old SA need not wait for stragglers.
		    delete_rekeyed_delay = 1
		    filelog {
		        log {
		            path = $work/$end.charon.log
		            time_format = %FT%T
		            flush_line = yes
		            default = 1
		        }
		    }
		    plugins {
		        vici {
		            socket = unix://$work/$end.vici
		        }
		    }
		}
		swanctl {
		    load = random
		}
	END
    cat >"$work/$end.swanctl.conf" <<-END
		connections {
		    lab {
		        version = 2
		        local_addrs = ${ike[$end.address]}
		        remote_addrs = ${ike[$other.address]}
		        proposals = ${ike[$end.proposals]}
		        encap = ${ike[$end.encap]}
		        mobike = no
		        dpd_delay = ${ike[$end.dpd]}
		        rekey_time = ${ike[$end.ike_rekey]}
		        rand_time = 0
		        local {
		            auth = psk
		            id = ${ike[$end.id]}
		        }
		        remote {
		            auth = psk
		            id = ${ike[$end.peer]}
		        }
		        children {
		            net {
		                local_ts = ${ike[$end.ts]}
		                remote_ts = ${ike[$end.remote_ts]-${ike[$other.ts]}}
		                esp_proposals = ${ike[$end.esp]}
		                rekey_time = ${ike[$end.rekey]}
		                life_time = ${ike[$end.life]}
		                rand_time = 0
		                dpd_action = ${ike[$end.dpd_action]}
		                replay_window = ${ike[$end.replay_window]}
		                $bound
		            }
		        }
		    }
		}
		secrets {
		    ike-lab {
		        secret = "${ike[$end.secret]}"
		    }
		}
	END
}

# ike_daemon END: starts the end's charon, which ike_ready waits for.
ike_daemon() {
    # The pid file's place is compiled in, so each daemon gets a /run of its own; `ip netns exec` has
    # given it mounts of its own.
    rm -f "$work/$1.vici"
    STRONGSWAN_CONF=$work/$1.strongswan.conf ip netns exec "$lab_prefix$1" \
        sh -c 'mount -t tmpfs tmpfs /run && exec /usr/lib/ipsec/charon' >"$work/$1.charon.out" 2>&1 &
    ike_pid[$1]=$!
}

# ike_ready END: waits for the end's vici socket.
ike_ready() {
    local waited
    for ((waited = 0; waited < 300; waited++)); do
        [[ ! -S $work/$1.vici ]] || return 0
        kill -0 "${ike_pid[$1]}" 2>/dev/null || break
        sleep 0.2
    done
    echo "FAIL charon of $1 opened no vici socket: $(tail -n 5 "$work/$1.charon.log" "$work/$1.charon.out")"
    return 1
}

# ike_load END: has the end's charon read its connections and secrets.
ike_load() {
    ike_control "$1" --load-all --noprompt --file "$work/$1.swanctl.conf" >"$work/$1.load" 2>&1 || {
        echo "FAIL swanctl could not load the configuration of $1: $(<"$work/$1.load")"
        return 1
    }
}

# ike_control END ARGUMENT…: swanctl, asking the end's charon.
ike_control() {
    local end=$1
    shift
    STRONGSWAN_CONF=$work/$end.strongswan.conf timeout 60 swanctl "$@" --uri "unix://$work/$end.vici"
}

# ike_start [END…]: writes the configuration of both ends, and starts and loads these (both).
ike_start() {
    [[ $# -gt 0 ]] || set -- c e1
    local end loading=()
    _ike_write c e1
    _ike_write e1 c
    for end; do ike_daemon "$end"; done
    for end; do
        ike_ready "$end"
        ike_load "$end" &
        loading+=("$!")
    done
    for end in "${loading[@]}"; do wait "$end"; done
}

# ike_initiate [SECONDS]: the customer's charon negotiates the child SA, or fails to; the attempt is in
# its log. Sets ike_status.
ike_initiate() {
    ike_status=0
    ike_control c --initiate --child net --timeout "${1-20}" >>"$work/initiate" 2>&1 || ike_status=$?
}

# ike_up: the same, where it must succeed.
ike_up() {
    ike_initiate 50
    [[ $ike_status -eq 0 ]] || {
        echo "FAIL charon negotiated nothing (status $ike_status): $(tail -n 12 "$work/initiate")"
        return 1
    }
}

# ike_witness NAME: what the outside tools say of the customer now, in NAME.witness.
ike_witness() {
    {
        echo '# swanctl --list-sas'
        ike_control c --list-sas
        echo '# ip -s xfrm state'
        # Without the keys.
        ip -n "$lab_prefix$customer" -s xfrm state | grep -vE '^\s*(aead|auth|auth-trunc|enc) '
        echo '# ip xfrm policy'
        ip -n "$lab_prefix$customer" xfrm policy
        echo '# ip rule'
        ip -n "$lab_prefix$customer" rule
        echo '# ip -6 rule'
        ip -n "$lab_prefix$customer" -6 rule
        echo '# sysctl'
        on "$customer" sh -c 'cd /proc/sys/net && for path in ipv4/ip_forward ipv4/icmp_ratelimit \
            ipv4/icmp_ratemask ipv4/conf/all/rp_filter ipv4/conf/all/accept_local \
            ipv4/conf/wan/rp_filter ipv4/conf/wan/disable_policy ipv6/conf/all/forwarding; do
            echo "$path $(cat "$path")"; done'
        echo '# xfrm_stat'
        on "$customer" cat /proc/net/xfrm_stat
    } >"$work/$1.witness" 2>&1 || true
}


# Leaves nothing running.
ike_end() {
    local pid
    for pid in "${ike_pid[@]}"; do
        kill -CONT "$pid" 2>/dev/null || true
        kill -KILL "$pid" 2>/dev/null || true
    done
}

# ike_configuration [LINE…]: agent.conf for the customer, with its charon's socket and extra lines.
ike_configuration() { write_configuration "vici_socket = \"$work/c.vici\"" "$@"; }

# ike_agent [LINE…]: the agent at the customer, watching before anything is negotiated; and a capture.
ike_agent() {
    ike_configuration "$@"
    capture c wan wan.pcap
    agent_start
}

# ike_facts_healthy: what every healthy tunnel of this network shows in now.json.
ike_facts_healthy() {
    facts now <<-END
		file(c.charon.log) matches CHILD_SA net\{1\} established
		ike.failure = null
		ike.udp_500 = open
		ike.esp = flowing
		kernel.available = true
		kernel.route_based = true
		count(kernel.sas[]) = 2
		count(kernel.sas[direction=inbound]) = 1
		kernel.sas[].esn = false
		kernel.sas[].cipher = rfc4106(gcm(aes))
		kernel.sas[].key_bits = 256
		kernel.sas[].replay_window = 0
		kernel.sas[].packets > 0
		kernel.rekeys = 0
		kernel.xfrm_errors.XfrmInStateSeqError = 0
	END
}

# from_provider: the far end sends through the tunnel, as the provider's health checks do, till the end.
from_provider() {
    on e1 ping -q -i 0.2 -I 10.252.0.0 10.252.0.1 >"$work/provider.ping" 2>&1 &
    ike_pid[provider]=$!
}

# ike_scripted: edge 1 is no strongSwan but ike_responder.py, and refuses every rekey for the time being.
ike_scripted() {
    local waited
    ike[c.proposals]=aes256-sha256-modp2048
    on e1 /usr/bin/python3 -B "$lab_folder/ike_responder.py" --address "$endpoint_address" \
        --peer "$customer_address" --secret "${ike[e1.secret]}" --mark "$tunnel_mark" >"$work/responder.log" 2>&1 &
    ike_pid[e1]=$!
    for ((waited = 0; waited < 100; waited++)); do
        ! grep -q listening "$work/responder.log" || return 0
        kill -0 "${ike_pid[e1]}" 2>/dev/null || break
        sleep 0.2
    done
    echo "FAIL the scripted responder did not start: $(tail -n 5 "$work/responder.log")"
    return 1
}

# ike_quiet: from now on nothing more leaves through the tunnel.
ike_quiet() {
    ip -n "$lab_prefix$customer" link set "$tunnel_device" down
    # What was on its way.
    sleep 0.5
}

# ike_wait_for_daemon NAME: waits until the agent says that charon answers, or 10 s; leaves NAME.json.
ike_wait_for_daemon() {
    local waited
    for ((waited = 0; waited < 10; waited++)); do
        agent_status "$1"
        ! grep -Eq '"available": ?true' <(sed -n '/"daemon"/,/}/p' "$work/$1.json") || return 0
        sleep 1
    done
}
