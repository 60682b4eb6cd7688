# Router 3 answers once in four seconds, and 2 passes no Echo Replies on: never open.
#
# expect: healthy/0
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    limited 3 4000
    replies_die through 2
    path_now 40
    ladder_witness
    facts_all now <<-END
		file(ladder) matches ^reply 3 0
		reply_path.outside.verdict in ["blocked", "inconclusive"]
		reply_path.outside.blocked_after_hop in [null, 2]
	END
}
