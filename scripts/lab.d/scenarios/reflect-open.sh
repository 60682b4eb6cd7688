# A cooperating far end receipts what arrives: Echo Replies both ways, as many as tcpdump saw.
#
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    reflected
    facts now <<-END
		reply_path.reflector.available = true
		reply_path.reflector.nat = false
		reply_path.reflector.forward.verdict = open
		reply_path.reflector.reverse.verdict = open
		reply_path.reflector.forward.replies.received > 0
		# Every request was answered by a kernel, with an Echo Reply that is no probe.
		reply_path.reflector.forward.replies.received = echoes(e1.pcap,reply,$customer_address,$reflector_address,*) - echoes(e1.pcap,request,$reflector_address,$customer_address,*)
		reply_path.reflector.reverse.replies.sent = echoes(e1.pcap,reply,$reflector_address,$customer_address,*) - echoes(e1.pcap,request,$customer_address,$reflector_address,*)
		reply_path.reflector.reverse.replies.received = echoes(wan.pcap,reply,$reflector_address,$customer_address,*) - echoes(wan.pcap,request,$customer_address,$reflector_address,*)
	END
}
