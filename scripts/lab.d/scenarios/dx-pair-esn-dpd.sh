# Extended sequence numbers, and dead peer detection is off.
#
# matrix: top=esn-enabled also=dpd-not-restart state=healthy exit=0
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[c.esp]=aes256gcm16-esn ike[e1.esp]=aes256gcm16-esn
    ike[c.replay_window]=32 ike[e1.replay_window]=32
    ike[c.dpd]=0s
    ike_start
    ike_up
}

check() { diagnose; }
