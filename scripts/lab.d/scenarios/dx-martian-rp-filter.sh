# rp_filter is strict, and reply-style checks come whose answers leave outside.
#
# matrix: top=martian-source-drops-reply-probe state=healthy exit=1 watch=25
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() {
    topology --edges 1
    health_prober
}

before() {
    health_settings 1 1
    checks_come reply unidirectional unanswered
}

proof() {
    facts now <<-END
		provider_checks.unanswered_because = rp_filter
		END
}

check() { diagnose; }
