# Routers 2 and 3 answer nothing, and 3 passes no Echo Replies on: blocked in a set that says so.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 5; }

check() {
    silent 2
    silent 3
    replies_die through 3
    path_now
    ladder_witness
    facts_all now <<-END
		file(ladder) matches ^request 3 0
		file(ladder) matches ^request 4 [12]
		file(ladder) matches ^reply 4 0
		reply_path.outside.verdict = blocked
		reply_path.outside.blocked_after_hop in [1, 2, 3]
		reply_path.outside.likely_hops has 3
		reply_path.outside.likely_hops has 1
		reply_path.outside.likely_hops lacks 0
		reply_path.outside.likely_hops lacks 4
	END
}
