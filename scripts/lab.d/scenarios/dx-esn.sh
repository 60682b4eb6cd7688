# Extended sequence numbers were negotiated.
#
# matrix: top=esn-enabled state=healthy exit=0
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[c.esp]=aes256gcm16-esn ike[e1.esp]=aes256gcm16-esn
    ike[c.replay_window]=32 ike[e1.replay_window]=32
    ike_start
    ike_up
}

proof() {
    facts now <<-END
		kernel.sas[].esn = true
		END
}

check() { diagnose; }
