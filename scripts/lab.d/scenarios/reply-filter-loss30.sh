# Router 2 passes no Echo Replies on, and three packets in ten are lost: never open, never elsewhere.
#
# expect: -
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    replies_die through 2
    shaped loss 30%
    path_now 50
    facts now <<-END
		reply_path.outside.verdict in ["blocked", "inconclusive"]
		reply_path.outside.blocked_after_hop in [null, 1, 2, 3]
	END
}
