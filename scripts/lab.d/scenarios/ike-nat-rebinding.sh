# The peer sits behind NAT, which maps it to another port: ESP in UDP goes on, the change is seen.
#
# expect: healthy|degraded/0|1
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    nat_edge 24500
    # Its address is its own, so it cannot notice the NAT by itself.
    ike[e1.encap]=yes
    ike_start
    ike_up
    ike_agent
    warm_up
    agent_wait 3
    nat_edge 34500
    from_provider
    agent_wait 10
    agent_now now
    ike_witness now
    agent_stop
    captures_end
    facts_all now <<-END
		file(c.charon.log) matches remote host is behind NAT
		file(now.witness) matches encap type espinudp sport 34500 dport 4500
		file(now.witness) lacks sport 24500
		esp(wan.pcap,$endpoint_address) > 0
		kernel.sas[].encapsulation = udp
		kernel.mapping_changes >= 1
		ike.failure = null # though its NAT hides the answers to the agent's own probes
		ike.esp = flowing
	END
}
