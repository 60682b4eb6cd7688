# Everything from the edges is 40 ms ± 5 ms late: healthy, and the RTT says so.
#
# expect: healthy/0
# kernel: uml
# timeout: 240
# alone: yes

set_up() { topology; }

check() {
    warm_up
    from_edges delay 40ms 5ms
    check_now --answered inside --answered outside --no-critical --rtt 0.040,0.008
}
