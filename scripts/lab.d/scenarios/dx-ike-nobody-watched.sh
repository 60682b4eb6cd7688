# The negotiation failed before anyone watched, and there is no way to ask: only that there is no SA is known.
#
# matrix: top=no-security-association explained=inside-path-down? unknown=ike-authentication-failed state=down exit=2
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[e1.secret]='something else'
    ike_start
    ike_initiate
    # Nobody can be asked.
    kill -KILL "${ike_pid[c]}"
    rm -f "$work/c.vici"
}

proof() {
    facts now <<-END
		file(c.charon.log) matches received AUTHENTICATION_FAILED notify error
		kernel.sas = []
		END
}

check() { diagnose; }
