# The ISP drops UDP 500 to the peer while charon tries to negotiate.
#
# matrix: top=ike-port-500-blocked explained=no-security-association,inside-path-down? state=down exit=2 watch=30
# kernel: uml qemu
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[c.retransmit]='1 1.0 3'
    block to-edge udp 500
    ike_start
}

fault() { ike_initiate; }

proof() {
    facts now <<-END
		file(c.charon.log) matches giving up after 3 retransmits
		file(e1.charon.log) matches \A(?!.*\[500\] to 198.51.100.1\[500\])
		ike.udp_4500 = open
		END
}

check() { diagnose; }
