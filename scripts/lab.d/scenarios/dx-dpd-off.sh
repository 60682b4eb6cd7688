# Dead peer detection is off.
#
# matrix: top=dpd-not-restart state=healthy exit=0
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[c.dpd]=0s
    ike_start
    ike_up
}

check() { diagnose; }
