# Router 2 passes no Echo Replies on towards the customer: only the way back is blocked.
#
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    answers_die 2
    reflected
    facts now <<-END
		reply_path.reflector.available = true
		reply_path.reflector.nat = false
		reply_path.reflector.forward.verdict = open
		reply_path.reflector.reverse.verdict = blocked
		reply_path.reflector.reverse.replies.received = 0
		echoes(e1.pcap,reply,$reflector_address,$customer_address,*) > 0
		echoes(wan.pcap,reply,$reflector_address,$customer_address,*) = 0
		reply_path.outside.verdict = open
	END
}
