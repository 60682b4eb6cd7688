# Nothing is broken: the customer is behind NAT, strongSwan found out, and ESP goes in UDP.
#
# matrix: top=none state=healthy exit=0 watch=8
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[c.encap]=yes ike[e1.encap]=yes
    ike_start
    ike_up
}

proof() {
    facts now <<-END
		kernel.sas[].encapsulation = udp
		END
}

check() { diagnose; }
