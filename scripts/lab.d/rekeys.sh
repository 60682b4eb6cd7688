# Rekeys of SAs that were loaded by hand, whose far end lags behind. Sourced after topology.sh.

rekey_number=0

# rekey_lagging SECONDS: the customer has new SAs and sends on them at once; the edges take so long to know them.
rekey_lagging() {
    local k old=$((rekey_number * 256)) new=$(((rekey_number + 1) * 256))
    rekey_number=$((rekey_number + 1))
    _rekey_states c add "$new"
    _rekey_outbound c delete "$old"
    hear
    sleep "$1"
    for ((k = 1; k <= edges; k++)); do
        _rekey_states "e$k" add "$new"
        _rekey_states "e$k" delete "$old"
    done
    hear
    sleep 0.5
    _rekey_inbound c delete "$old"
    hear
}

_rekey_states() {
    _rekey_outbound "$@"
    _rekey_inbound "$@"
}
# _rekey_outbound|_rekey_inbound NAME add|delete OFFSET: of the customer.
_rekey_outbound() {
    _rekey_state "$1" "$2" "src $customer_address dst $endpoint_address" $((spi_to_edge + $3)) "$key_to_edge"
}
_rekey_inbound() {
    _rekey_state "$1" "$2" "src $endpoint_address dst $customer_address" $((spi_to_customer + $3)) "$key_to_customer"
}
_rekey_state() {
    local parameters=''
    [[ $2 == delete ]] || {
        suite_keys "$suite" "$5"
        parameters="reqid $tunnel_mark mode tunnel $suite_words replay-window $replay_window"
    }
    say "$1" "xfrm state $2 $3 proto esp spi $4 $parameters"
}

# prefer_edge K: the ISP leads everything to edge K; the others send all the same.
prefer_edge() {
    local near far
    _link_addresses $((10 + $1))
    say "$isp" "route replace $endpoint_address/$host_length via $far"
    hear
}
