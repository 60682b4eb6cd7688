# The IKE SA lives an hour, the child SA twenty minutes.
#
# matrix: top=none also=sa-lifetime-short state=healthy exit=0
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[c.rekey]=20m ike[c.life]=22m ike[c.ike_rekey]=1h
    ike_start
    ike_up
}

check() { diagnose; }
