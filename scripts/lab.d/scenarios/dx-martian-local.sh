# accept_local is 0, and reply-style checks come: the kernel drops its own address as martian.
#
# matrix: top=martian-source-drops-reply-probe state=healthy exit=1 watch=25
# kernel: uml qemu
# timeout: 150

set_up() {
    topology --edges 1
    health_prober
}

before() {
    health_settings 0 0
    checks_come reply unidirectional unanswered
}

proof() {
    facts now <<-END
		provider_checks.unanswered_because = martian_source
		END
}

check() { diagnose; }
