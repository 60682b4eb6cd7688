# Reply-style checks come by a policy-based tunnel, whose selectors do not cover them.
#
# matrix: top=policy-based-reply-unsupported state=healthy exit=1 watch=25
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() {
    topology --edges 1 --tunnel policy
    health_prober
}

before() {
    health_settings 1 0
    checks_come reply unidirectional unanswered
}

proof() {
    on c cat /proc/net/xfrm_stat >"$work/xfrm"
    facts now <<-END
		file(xfrm) matches XfrmIn(NoPols|TmplMismatch)\s+[1-9]
		END
}

check() { diagnose; }
