# The host does not forward, and reply-style checks come.
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
    health_settings 1 0
    on c sysctl -q -w net.ipv4.ip_forward=0
    health_settings 1 0
    checks_come reply unidirectional unanswered
}

proof() {
    facts now <<-END
		provider_checks.unanswered_because = no_forwarding
		END
}

check() { diagnose; }
