# 20 ms on a far node: each probe's RTT is within 50 µs of its packets in tcpdump; ping beside it.
#
# expect: healthy/0
# kernel: uml
# timeout: 240
# alone: yes

set_up() { topology; }

check() {
    warm_up
    from_edges delay 20ms
    capture "$isp" cust cable.pcap
    check_now --answered inside --answered outside --no-critical --rtt 0.020,0.005 \
        --cable wan.pcap,cable.pcap
    echo "     ping, inside:  $(ping_figure "$inside_source" "$inside_target")"
    echo "     ping, outside: $(ping_figure "$outside_source" "$endpoint_address")"
}

# What ping makes of the same path.
ping_figure() { on "$prober" ping -q -c 10 -i 0.2 -I "$1" "$2" | tail -n 1; }
