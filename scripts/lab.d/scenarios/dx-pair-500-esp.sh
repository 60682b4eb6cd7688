# UDP 500 and ESP are both blocked: without keys nobody knows of the second.
#
# matrix: top=ike-port-500-blocked explained=no-security-association,inside-path-down? state=down exit=2 never=esp-blocked watch=30
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[c.retransmit]='1 1.0 3'
    block to-edge udp 500
    block to-customer esp
    ike_start
}

fault() { ike_initiate; }

check() { diagnose; }
