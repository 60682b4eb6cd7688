# Window 32 with several servers, and the underlay loses one packet in seven.
#
# matrix: top=anti-replay-drops explained=anti-replay-enabled?,inside-path-down?,tunnel-flapping? also=underlay-loss state=healthy|degraded|down exit=1|2 settled=3 watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_lines=('interval = "250ms"')

set_up() { topology --edges 4 --replay-window 32; }

before() { prefer_edge 4; }

fault() {
    from_edges loss 15%
    edges_send 20
}

proof() {
    on "$customer" cat /proc/net/xfrm_stat >"$work/xfrm"
    facts now <<-END
		file(xfrm) matches XfrmInStateSeqError\s+[1-9]
		END
}

check() { diagnose; }
