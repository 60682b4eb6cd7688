# Window 4096: two servers send, and their counters are near enough that nothing is dropped yet.
#
# matrix: top=anti-replay-enabled state=healthy exit=0 never=anti-replay-drops
# kernel: uml qemu
# timeout: 150

set_up() { topology --edges 2 --replay-window 4096; }

before() {
    prefer_edge 1
    edges_send 5
}

proof() {
    on "$customer" cat /proc/net/xfrm_stat >"$work/xfrm"
    facts now <<-END
		file(xfrm) matches XfrmInStateSeqError\s+0
		END
}

check() { diagnose; }
