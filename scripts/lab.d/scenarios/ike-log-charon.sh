# Where there is no vici, charon's log file tells why it failed.
#
# expect: down/2
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    ike[e1.secret]='something else'
    ike_start
    agent_lines=("charon_log = \"$work/c.charon.log\"")
    write_configuration "vici_socket = \"$work/nowhere.vici\""
    capture c wan wan.pcap
    agent_start
    ike_initiate
    agent_now now
    agent_stop
    captures_end
    facts_all now <<-END
		file(c.charon.log) matches received AUTHENTICATION_FAILED notify error
		ike.failure = authentication
		ike.udp_500 = open
		kernel.sas = []
	END
}
