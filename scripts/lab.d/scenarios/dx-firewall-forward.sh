# FORWARD drops what connection tracking calls invalid, and reply-style checks come.
#
# matrix: top=firewall-drops-reply-probe state=healthy exit=1 watch=25
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() {
    topology --edges 1
    health_prober
}

before() {
    health_settings 1 0
    rule c forward invalid
    rules
    checks_come reply bidirectional unanswered
}

proof() {
    facts now <<-END
		provider_checks.unanswered_because = firewall
		END
}

check() { diagnose; }
