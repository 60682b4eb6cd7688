# IKE is up; ESP leaves, and what the peer sends is dropped on its way here.
#
# expect: down/2
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    block to-customer esp
    ike_start
    ike_agent
    ike_up
    from_provider
    agent_now now
    ike_witness now
    agent_stop
    captures_end
    facts_all now <<-END
		file(c.charon.log) matches CHILD_SA net\{1\} established
		ike.failure = null
		ike.udp_500 = open
		ike.esp = one_way
		ike.esp_missing_direction = inbound
		kernel.sas[direction=outbound].packets > 0
		kernel.sas[direction=inbound].packets = 0
		esp(wan.pcap,$endpoint_address) = 0
	END
}
