# Routers 2 and 3 answer once in four seconds, and nothing is filtered: nobody is blamed.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    limited 2 4000
    limited 3 4000
    path_now 40
    ladder_witness
    facts_all now <<-END
		file(ladder) matches ^reply 4 [12]
		reply_path.outside.verdict in ["open", "inconclusive"]
		reply_path.outside.blocked_after_hop = null
	END
}
