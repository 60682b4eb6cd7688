# The customer names itself in none of the forms that the provider knows, and the peer refuses.
#
# matrix: top=ike-identity-mismatch explained=ike-authentication-failed?,no-security-association,inside-path-down? also=ike-authentication-failed? state=down exit=2 watch=30
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[c.id]=vpn.customer.example
    ike_start
}

fault() { ike_initiate; }

proof() {
    facts now <<-END
		file(e1.charon.log) matches no matching peer config found
		file(c.charon.log) matches received AUTHENTICATION_FAILED notify error
		END
}

check() { diagnose; }
