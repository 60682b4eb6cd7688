# The peer names itself otherwise than this side expects, and charon complains.
#
# matrix: top=ike-identity-mismatch explained=ike-authentication-failed?,no-security-association,inside-path-down? state=down exit=2 watch=30
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    # With a pattern the customer asks for no identity, and checks the one that comes.
    ike[c.peer]='*.ipsec.example.net'
    ike_start
}

fault() { ike_initiate; }

proof() {
    facts now <<-END
		file(c.charon.log) matches constraint check failed: identity
		END
}

check() { diagnose; }
