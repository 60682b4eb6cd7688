# No common proposal: the peer refuses in clear, and the active look finds what it would accept.
#
# expect: down/2
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    ike[c.proposals]=aes128-sha1-modp1024
    ike_start
    ike_agent
    ike_initiate
    agent_now now
    agent_stop
    captures_end
    facts_all now <<-END
		file(c.charon.log) matches received NO_PROPOSAL_CHOSEN notify error
		ike.failure = no_proposal
		ike.udp_500 = open
		ike.peer_accepts has AES_GCM_16_256/PRF_SHA2_256/MODP_2048
		kernel.sas = []
	END
}
