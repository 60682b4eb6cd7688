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

# from_edges NETEM…: loss or delay of everything the edges send, inside and outside.
from_edges() {
    local k
    for ((k = 1; k <= edges; k++)); do
        tc -n "${lab_prefix}e$k" qdisc replace dev isp root netem "$@"
    done
}
