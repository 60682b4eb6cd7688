# Extended sequence numbers were negotiated: the kernel's SAs show them.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    ike[c.esp]=aes256gcm16-esn ike[e1.esp]=aes256gcm16-esn
    ike[c.replay_window]=32 ike[e1.replay_window]=32
    ike_start
    ike_up
    ike_agent
    warm_up
    agent_wait 6
    agent_status status
    ike_witness status
    kernel_judged status
    agent_stop
    captures_end
    facts_all status <<-END
		file(c.charon.log) matches selected proposal: ESP:AES_GCM_16_256/EXT_SEQ
		file(status.witness) matches flag .*esn
		count(kernel.sas[]) = 2
		kernel.sas[].esn = true
		kernel.sas[direction=inbound].replay_window = 32
		kernel.sas[].packets > 0
		ike.failure = null
		ike.esp = flowing
	END
}
