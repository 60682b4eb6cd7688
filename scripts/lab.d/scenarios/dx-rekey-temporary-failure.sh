# The peer answers every rekey with TEMPORARY_FAILURE.
#
# A scripted peer, for strongSwan will not.
#
# matrix: top=rekey-temporary-failure explained=dpd-not-restart? state=healthy exit=1 watch=25
# kernel: uml qemu
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[c.rekey]=5s ike[c.life]=2m
    ike_scripted
    ike_start c
    ike_up
}

proof() {
    facts now <<-END
		file(c.charon.log) matches N\(TEMP_FAIL\)
		END
}

check() { diagnose; }
