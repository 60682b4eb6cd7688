# What can go wrong in the lab's network. Every fault is on a far node: the customer's kernel, whose
# clocks and counters are the witness, stays untouched. Sourced after topology.sh.

# tunnel_dead: the provider lost the tunnel. Its edges drop ESP (or GRE); the underlay works.
tunnel_dead() {
    local k
    for ((k = 1; k <= edges; k++)); do
        if [[ $tunnel == gre ]]; then
            say "e$k" "link set $tunnel_device down"
        else
            # Not deleteall: that ends `ip` in the middle of its batch.
            say "e$k" "xfrm state delete src $customer_address dst $endpoint_address proto esp spi $spi_to_edge"
            say "e$k" "xfrm state delete src $endpoint_address dst $customer_address proto esp spi $spi_to_customer"
        fi
    done
    hear
}

# tunnel_alive: undoes tunnel_dead. Counters start again, as after a rekey.
tunnel_alive() {
    local k
    for ((k = 1; k <= edges; k++)); do
        if [[ $tunnel == gre ]]; then
            say "e$k" "link set $tunnel_device up"
        else
            _states "e$k" $((k * 1000))
        fi
    done
    hear
}

# underlay_dead silent|unreachable: the ISP no longer reaches the endpoint, and drops packets to it or
# says so by ICMP.
underlay_dead() {
    local type=blackhole
    [[ $1 == silent ]] || type=unreachable
    say "$isp" "route delete $endpoint_address/$host_length"
    say "$isp" "route add $type $endpoint_address/$host_length"
    hear
}

# underlay_alive: undoes underlay_dead, of a network with one edge.
underlay_alive() {
    local near far
    _link_addresses 11
    say "$isp" "route delete $endpoint_address/$host_length"
    say "$isp" "route add $endpoint_address/$host_length via $far"
    hear
}

# from_edges NETEM…: loss or delay of everything the edges send, inside and outside.
from_edges() {
    local k
    for ((k = 1; k <= edges; k++)); do
        tc -n "${lab_prefix}e$k" qdisc replace dev isp root netem "$@"
    done
}

# block to-edge|to-customer udp PORT | esp: the ISP drops, on its way to there, what is sent to that port,
# or ESP. unblock takes all of that back. With one router, whose filters know flower.
block() {
    local device=cust match
    [[ $1 == to-edge ]] || device=edge1
    case $2 in
    udp) match="ip_proto udp dst_port $3" ;;
    esp) match='ip_proto 32' ;; # hexadecimal
    esac
    tc -n "$lab_prefix$isp" qdisc add dev "$device" clsact 2>/dev/null || true
    # shellcheck disable=SC2086
    tc -n "$lab_prefix$isp" filter add dev "$device" ingress protocol ip pref 1 flower $match action drop
}

# ready_to_block: beforehand, what the first `block` loads: a busy guest takes seconds for it, and the fault is timed.
ready_to_block() { block to-customer udp 9; }

unblock() {
    local device
    for device in cust edge1; do tc -n "$lab_prefix$isp" qdisc del dev "$device" clsact 2>/dev/null || true; done
}

# nat_customer PORT: the ISP translates the customer's UDP port 4500 to PORT, and its port 500 to PORT − 1.
# nat_edge PORT: the same for the edge's. Called again with another port, the mapping has changed.
nat_customer() { _nat cust edge1 "$1"; }
nat_edge() { _nat edge1 cust "$1"; }

# _nat NEAR FAR PORT: stateless, by rewriting ports: what comes in at NEAR gets the outer port, what
# leaves at NEAR to the outer port gets its own back.
_nat() {
    local own outer
    tc -n "$lab_prefix$isp" qdisc add dev "$1" clsact 2>/dev/null || true
    tc -n "$lab_prefix$isp" filter del dev "$1" ingress pref 10 2>/dev/null || true
    for own in 500 4500; do
        outer=$3
        [[ $own == 4500 ]] || outer=$(($3 - 1))
        tc -n "$lab_prefix$isp" filter add dev "$1" ingress protocol ip pref 10 flower ip_proto udp src_port "$own" \
            action pedit ex munge udp sport set "$outer" pipe csum udp
        # An old mapping goes on working towards the inside, as with most NATs.
        tc -n "$lab_prefix$isp" filter add dev "$1" egress protocol ip flower ip_proto udp dst_port "$outer" \
            action pedit ex munge udp dport set "$own" pipe csum udp
    done
}
