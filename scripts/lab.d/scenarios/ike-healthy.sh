# strongSwan at both ends: IKE is up, ESP flows, nothing fails.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    ike_start
    ike_up
    ike_agent
    warm_up
    agent_now now
    ike_witness now
    kernel_judged now
    agent_stop
    captures_end
    ike_facts_healthy
    facts_all now <<-END
		kernel.sas[].encapsulation = esp
		ike.udp_4500 = open
		ike.peer_accepts has AES_GCM_16_256/PRF_SHA2_256/MODP_2048
	END
}
