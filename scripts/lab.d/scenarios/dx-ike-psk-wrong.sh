# The pre-shared keys differ, and the peer refuses.
#
# matrix: top=ike-authentication-failed explained=no-security-association,inside-path-down? state=down exit=2 never=ike-identity-mismatch watch=30
# kernel: uml qemu
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[e1.secret]='something else'
    ike_start
}

fault() { ike_initiate; }

proof() {
    facts now <<-END
		file(e1.charon.log) matches but MAC mismatched
		file(c.charon.log) matches received AUTHENTICATION_FAILED notify error
		END
}

check() { diagnose; }
