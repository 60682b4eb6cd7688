# Dead peers are looked for, and nothing is started again.
#
# matrix: top=dpd-not-restart state=healthy exit=0
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[c.dpd_action]=clear
    ike_start
    ike_up
}

check() { diagnose; }
