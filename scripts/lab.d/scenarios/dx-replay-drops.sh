# Window 32: one server answered, then three more begin to send with counters of their own.
#
# matrix: top=anti-replay-drops explained=anti-replay-enabled?,inside-path-down?,tunnel-flapping? state=down exit=2 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 4 --replay-window 32; }

before() { prefer_edge 1; }

# From the first packet that the kernel drops: the senders take a moment to start.
fault() {
    edges_send 20
    until on "$customer" grep -q 'XfrmInStateSeqError[[:space:]]*[1-9]' /proc/net/xfrm_stat; do sleep 0.05; done
    fault_begins
}

proof() {
    on "$customer" cat /proc/net/xfrm_stat >"$work/xfrm"
    facts now <<-END
		file(xfrm) matches XfrmInStateSeqError\s+[1-9]
		END
}

check() { diagnose; }
