# The provider's health checks, as they come through the tunnel. Sourced after checks.sh.
#
# The provider's prober sits in a namespace of its own behind edge 1: a tunnel device does not transmit to
# addresses of its own namespace. All that it sends goes into the tunnel, whatever the addresses.

readonly prober_outside=198.51.100.66 prober_inside=10.253.0.66

# health_prober: adds that namespace, hp. Outside it has the address prober_outside, inside prober_inside, or it
# checks in the name of the edge's inside address; edge 1 swallows what comes back to any of them.
health_prober() {
    local near far
    _said_namespaces='' _said_links=''
    _namespace hp
    _link e1 checks 10.254.0.1/30 hp uplink 10.254.0.2/30
    say hp 'route add default via 10.254.0.1'
    if [[ $tunnel == policy ]]; then
        # The far end may send what this end's selectors do not cover.
        _link_addresses 11
        say e1 "route add default via $near dev isp table 42"
        say e1 "xfrm policy add src $customer_address/32 dst $prober_outside/32 dir out tmpl src $endpoint_address dst $public_address proto esp reqid $tunnel_mark mode tunnel"
    else
        say e1 "route add $prober_network dev beyond"
        say e1 "route add default dev $tunnel_device table 42"
    fi
    say e1 'rule add iif checks lookup 42'
    ip -batch - <<<"$_said_namespaces$_said_links"
    hear
    # Some checks have the edge's own inside address as their source.
    on e1 sysctl -q -w net.ipv4.conf.checks.accept_local=1
}

# health_settings ACCEPT_LOCAL RP_FILTER: of the customer. The kernel takes the larger rp_filter of a device's
# and of all.
health_settings() {
    local device=${tunnel_device:-wan}
    on c sysctl -q -w "net.ipv4.conf.$device.accept_local=$1" "net.ipv4.conf.all.accept_local=0" \
        "net.ipv4.conf.$device.rp_filter=$2" "net.ipv4.conf.all.rp_filter=0"
}

# health_checks SECONDS STYLE SOURCE DESTINATION TRIES: sends eight a second for that long, each check so many
# times (send_checks.py).
health_checks() {
    on hp /usr/bin/python3 -B "$lab_folder/send_checks.py" "$2" "$3" "$4" 8 "$1" "$5"
}

# health_cell NAME STYLE DIRECTION ANSWERED BECAUSE: one cell of a table. Starts a daemon, lets checks come
# for 4 s, or for 6 s where each is repeated, and has what it says of them, and what tcpdump saw leave, judged. DIRECTION is unidirectional or
# bidirectional; ANSWERED yes or no; BECAUSE a word of the interface, or null.
health_cell() {
    # An answer of a busy guest may take longer than the 100 ms in which it counts.
    local name=$1 style=$2 direction=$3 answered=$4 because=$5 source destination answered_facts ratio='>= 0.9' tries=1
    # Of a check in reply style the source is ours, and the answer is the check sent on.
    case $style-$direction in
    reply-unidirectional) source=$customer_address destination=$prober_outside ;;
    reply-bidirectional) source=$inside_source destination=$prober_inside ;;
    request-unidirectional) source=$prober_outside destination=$customer_address ;;
    request-bidirectional) source=$inside_target destination=$inside_source ;;
    esac
    [[ $answered == yes ]] || ratio='= 0' tries=3
    write_configuration 'reply_path_interval = "1h"' 'pmtu_interval = "1h"'
    capture c wan "$name.wan.pcap"
    [[ -z $tunnel_device ]] || capture c "$tunnel_device" "$name.inside.pcap"
    agent_start
    # Its captures begin before it says that it is up; the first checks must not be missed.
    sleep 1
    health_checks $((tries + 3)) "$style" "$source" "$destination" "$tries"
    # The last answers' 100 ms.
    sleep 1
    agent_status "$name"
    agent_stop
    captures_end
    local left=$name.wan.pcap other=$name.inside.pcap leaving
    if [[ $direction == bidirectional ]]; then left=$name.inside.pcap other=$name.wan.pcap; fi
    # The prober's hop limit is 64; the edge and this host each take one of what they pass on.
    leaving=reply,$source,$destination,62
    [[ $style == reply ]] || leaving=reply,$destination,$source,64
    if [[ $answered == yes ]]; then answered_facts='>= 20'; else answered_facts='= 0'; fi
    facts "$name" <<-END
		echoes($name.inside.pcap,$style,$source,$destination,63) >= 20
		echoes($left,$leaving) $answered_facts
		echoes($other,$leaving) = 0
		provider_checks.style = $style
		provider_checks.direction = $direction
		provider_checks.answered_ratio $ratio
		provider_checks.unanswered_because = $because
		provider_checks.per_second > 0
	END
}
