# The far end of the tunnel drops Echo Replies: blocked inside, open outside.
#
# expect: -
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    rule e1 raw echo-reply "$tunnel_device"
    rules
    path_now
    ladder_witness
    facts_open 4
    facts now <<-END
		reply_path.inside.verdict = blocked
		reply_path.inside.blocked_after_hop = 0
	END
}
