# Window 32: the server whose counter is highest answers the probes, and what the others send is dropped.
#
# matrix: top=anti-replay-drops explained=anti-replay-enabled? state=healthy exit=1 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 4 --replay-window 32; }

before() { prefer_edge 4; }

fault() { edges_send 20; }

proof() {
    on "$customer" cat /proc/net/xfrm_stat >"$work/xfrm"
    facts now <<-END
		file(xfrm) matches XfrmInStateSeqError\s+[1-9]
		END
}

check() { diagnose; }
