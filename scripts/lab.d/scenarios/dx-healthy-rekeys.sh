# Nothing is broken: the SAs are replaced every six seconds, make before break.
#
# matrix: top=none state=healthy exit=0 never=rekey-disruption,sa-rebound-nat watch=20
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike[c.rekey]=6s ike[c.life]=40s
    ike_start
    ike_up
}

proof() {
    note rekeys "$(grep -c 'outbound CHILD_SA net{[0-9]*} established' "$work/c.charon.log")"
    facts now <<-END
		noted(rekeys) >= 3
		kernel.rekeys >= 2
		END
}

check() { diagnose; }
