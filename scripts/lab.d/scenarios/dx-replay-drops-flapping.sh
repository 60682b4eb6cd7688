# Window 64: two servers overtake each other, health checks fail and the tunnel flaps, all of one cause.
#
# matrix: top=anti-replay-drops explained=tunnel-flapping,anti-replay-enabled?,inside-path-down? state=degraded|down exit=1|2 settled=3 watch=40
# kernel: uml qemu
# timeout: 150

set_up() {
    topology --edges 2 --replay-window 64
    health_prober
}

before() {
    prefer_edge 1
    # Both counters begin at the same number.
    say e2 "xfrm state delete src $customer_address dst $endpoint_address proto esp spi $spi_to_edge"
    say e2 "xfrm state delete src $endpoint_address dst $customer_address proto esp spi $spi_to_customer"
    _states e2 1000
    hear
    checks_come request bidirectional answered
}

fault() { background c /usr/bin/python3 -B "$lab_folder/send_in_turns.py" "$lab_prefix" 40 10 260 8; }

proof() {
    on "$customer" cat /proc/net/xfrm_stat >"$work/xfrm"
    facts now <<-END
		file(xfrm) matches XfrmInStateSeqError\s+[1-9]
		END
}

check() { diagnose; }
