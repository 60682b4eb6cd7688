# Nothing is broken: strongSwan negotiated the tunnel.
#
# matrix: top=none state=healthy exit=0 never=sa-lifetime-short watch=8
# kernel: uml qemu
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike_start
    ike_up
}

check() { diagnose; }
