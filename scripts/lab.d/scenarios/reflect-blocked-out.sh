# Router 2 passes no Echo Replies on towards the provider: the far end receipts none, and says so.
#
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    replies_die through 2
    reflected
    facts now <<-END
		reply_path.reflector.available = true
		reply_path.reflector.nat = false
		reply_path.reflector.forward.verdict = blocked
		reply_path.reflector.reverse.verdict = open
		reply_path.reflector.forward.replies.received = 0
		echoes(e1.pcap,reply,$customer_address,$reflector_address,*) = 0
		reply_path.reflector.forward.requests.received > 0
		reply_path.outside.verdict = blocked
		reply_path.outside.blocked_after_hop = 2
	END
}
