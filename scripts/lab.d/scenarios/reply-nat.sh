# Router 1 translates addresses, but no unsolicited Echo Replies: that is NAT, and no one's filter.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4 --nat; }

check() {
    path_now
    ladder_witness
    facts_all now <<-END
		file(ladder) matches ^reply 1 [12]
		file(ladder) matches ^reply 2 0
		file(ladder) matches ^request 4 [12]
		reply_path.outside.verdict = inconclusive
		reply_path.outside.reason matches NAT
		reply_path.outside.blocked_after_hop = null
	END
}
