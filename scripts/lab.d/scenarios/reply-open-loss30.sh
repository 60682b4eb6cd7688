# Three packets in ten are lost, and nothing is filtered: nobody is blamed.
#
# expect: -
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    shaped loss 30%
    path_now 50
    facts now <<-END
		reply_path.outside.verdict in ["open", "inconclusive"]
		reply_path.outside.blocked_after_hop = null
	END
}
