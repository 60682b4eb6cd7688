# The way between the customer and the edges: cables, routers, and what routers are told to do. Sourced
# before topology.sh, which says what `say` and `hear` are.
#
# Router 1 is the customer's next hop. Link 0 is the customer's cable, link K the one behind router K; the
# last router's cables to the edges are its link. An edge holds the endpoint, so it is no router on the way.

# Where the provider's own probers are, outside the tunnel; behind edge 1.
readonly prober_network=198.51.100.64/26

_underlay() {
    local name previous='' number=1 k near far
    _namespace "$customer"
    for name in "${router_names[@]}"; do
        _namespace "$name"
        if [[ -z $previous ]]; then
            _link "$customer" wan "$customer_address/$wan_length" "$name" cust "$gateway_address/$wan_length"
        else
            # Each router knows the customer behind it and the endpoint before it.
            _link_addresses "$number"
            _link "$previous" core "$near/$link_length" "$name" cust "$far/$link_length"
            _on_the_way "$previous" "$far" "$name" "$near"
            number=$((number + 1))
        fi
        previous=$name
    done
    say "$customer" "route add default via $gateway_address"
    [[ -z $parallel ]] || _beside "$parallel"

    endpoint_route="$endpoint_address/$host_length"
    for ((k = 1; k <= edges; k++)); do
        _namespace "e$k"
        _link_addresses $((10 + k))
        _link "$isp" "edge$k" "$near/$link_length" "e$k" isp "$far/$link_length"
        say "e$k" "address add $endpoint_address/$host_length dev lo"
        say "e$k" "route add default via $near"
        endpoint_route+=" nexthop via $far"
        [[ $k != 1 || $outer == 6 ]] || say "$isp" "route add $prober_network via $far"
    done
    say "$isp" "route add $endpoint_route"
}

# _on_the_way CLOSER FAR FARTHER NEAR: routes of two routers with a cable between them. Who is behind a
# router that translates is known by that router's address.
_on_the_way() {
    say "$1" "route add $endpoint_address/$host_length via $2"
    [[ $outer == 6 ]] || say "$1" "route add $prober_network via $2"
    if [[ -z $nat ]]; then
        say "$3" "route add $customer_network via $4"
    elif [[ $1 != r1 ]]; then
        say "$3" "route add $public_address/32 via $4"
    fi
}

# _beside K: router Kb, an equal way beside router K. By Linux' own hash all ICMP between two hosts goes one
# way; `split` makes it many.
_beside() {
    local before=r$(($1 - 1)) beside=r${1}b behind=r$(($1 + 1)) far_before
    _link_addresses $(($1 - 1))
    far_before=$far
    _namespace "$beside"
    _link_addresses 40
    _link "$before" coreb "$near/$link_length" "$beside" cust "$far/$link_length"
    say "$before" "route replace $endpoint_address/$host_length nexthop via $far_before nexthop via $far"
    say "$before" "route add $endpoint_address/$host_length via $far table 7"
    if [[ -z $nat || $before == r1 ]]; then say "$beside" "route add $customer_network via $near"; fi
    [[ -z $nat || $before == r1 ]] || say "$beside" "route add $public_address/32 via $near"
    _link_addresses 41
    _link "$beside" core "$near/$link_length" "$behind" custb "$far/$link_length"
    say "$beside" "route add $endpoint_address/$host_length via $far"
}

# split checksum|type: the router before the two that are parallel sends ICMP one way or the other by its
# checksum; or by that, but Echo Replies always the first way.
split() {
    local before=r$((parallel - 1)) option=''
    [[ $outer == 4 ]] || option=-6
    ip -n "$lab_prefix$before" $option rule add fwmark 7/7 lookup 7
    # Decided by the marks alone.
    ip -n "$lab_prefix$before" $option route replace "$endpoint_address/$host_length" via "$(_first_way)"
    rule "$before" mark odd-checksum
    [[ $1 == checksum ]] || rule "$before" mark replies
    rules
}

_first_way() {
    local near far
    _link_addresses $((parallel - 1))
    echo "$far"
}

# router K: sets router, the name of router K; router_address, what it answers with.
router() {
    local near far
    router=${router_names[$1 - 1]} router_address=$gateway_address
    [[ $1 == 1 ]] && return
    _link_addresses $(($1 - 1))
    router_address=$far
}

# silent K [b]: router K sends no ICMP of its own. limited K MILLISECONDS: no more than one error in that time,
# after six at once.
silent() {
    router "$1"
    rule "$router${2-}" output time-exceeded
    rule "$router${2-}" output unreachable
    [[ $outer == 4 ]] || rule "$router${2-}" output too-big
    rules
}
limited() {
    local family=ipv4/icmp_ratelimit
    [[ $outer == 4 ]] || family=ipv6/icmp/ratelimit
    router "$1"
    on "$router" sysctl -q -w "net/$family=$2"
}

# link_mtu K BYTES: of link K.
link_mtu() {
    local near=$customer device=wan k
    if [[ $1 != 0 ]]; then
        router "$1"
        near=$router device=core
    fi
    if [[ $1 == "$routers" ]]; then
        for ((k = 1; k <= edges; k++)); do
            say "$near" "link set edge$k mtu $2"
            say "e$k" "link set isp mtu $2"
        done
    else
        router $(($1 + 1))
        say "$near" "link set $device mtu $2"
        say "$router" "link set cust mtu $2"
        if [[ -n $parallel && $1 == $((parallel - 1)) ]]; then
            say "$near" "link set coreb mtu $2"
            say "${router}b" "link set cust mtu $2"
        elif [[ -n $parallel && $1 == "$parallel" ]]; then
            say "${near}b" "link set core mtu $2"
            say "$router" "link set custb mtu $2"
        fi
    fi
    hear
}

# too_big_filtered K: the Packet Too Big that router K sends never leave it.
too_big_filtered() {
    router "$1"
    rule "$router" output too-big
    [[ -z $parallel || $1 != "$parallel" ]] || rule "${router}b" output too-big
    rules
}

# shaped NETEM…: loss or delay on the customer's cable, of what comes to the customer.
shaped() { tc -n "$lab_prefix${router_names[0]}" qdisc replace dev cust root netem "$@"; }

# replies_die PLACE: where Echo Replies are dropped on their way to the provider.
#
#   host           the customer's own OUTPUT
#   in K           as they come in at router K, before anything answers an expired hop limit
#   through K      as router K passes them on
#   refused K      the same, and it says so
#   edge           at the edges
replies_die() {
    local k
    case $1 in
    host) rule "$customer" output echo-reply ;;
    in | through | refused)
        local hook=raw device=cust
        [[ $1 == in ]] || hook=forward
        [[ $1 != refused ]] || hook=reject
        router "$2"
        rule "$router" "$hook" echo-reply "$device"
        # Beside it the same, or half of the flows would pass.
        [[ -z $parallel || $2 != "$parallel" ]] || rule "${router}b" "$hook" echo-reply "$device"
        [[ -z $parallel || $2 != $((parallel + 1)) ]] || rule "$router" "$hook" echo-reply custb
        ;;
    edge) for ((k = 1; k <= edges; k++)); do rule "e$k" raw echo-reply isp; done ;;
    esac
    rules
}

# answers_die K: Echo Replies are dropped at router K on their way to the customer.
answers_die() {
    local device=core k
    router "$1"
    if [[ $1 == "$routers" ]]; then
        for ((k = 1; k <= edges; k++)); do rule "$router" forward echo-reply "edge$k"; done
    else
        rule "$router" forward echo-reply "$device"
    fi
    rules
}
