# The pre-shared keys differ, and UDP 4500 is blocked behind NAT: of the keys nothing is known.
#
# matrix: top=ike-port-4500-blocked explained=no-security-association,inside-path-down? unknown=ike-authentication-failed state=down exit=2 watch=30
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    nat_customer 24500
    ike[c.retransmit]='1 1.0 3' ike[e1.secret]='something else'
    block to-edge udp 4500
    ike_start
}

fault() { ike_initiate; }

check() { diagnose; }
