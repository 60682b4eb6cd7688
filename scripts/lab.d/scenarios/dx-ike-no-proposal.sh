# The ends have no proposal in common.
#
# matrix: top=ike-no-proposal explained=no-security-association,inside-path-down? state=down exit=2 watch=30
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[c.proposals]=aes128-sha1-modp1024
    ike_start
}

fault() { ike_initiate; }

proof() {
    facts now <<-END
		file(c.charon.log) matches received NO_PROPOSAL_CHOSEN notify error
		END
}

check() { diagnose; }
