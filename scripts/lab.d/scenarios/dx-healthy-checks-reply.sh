# Nothing is broken: the provider checks in reply style, and this host sends its checks back.
#
# matrix: top=none state=healthy exit=0 watch=12
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() {
    topology --edges 1
    health_prober
}

before() {
    health_settings 1 0
    checks_come reply bidirectional answered
}

proof() {
    facts now <<-END
		provider_checks.style = reply
		provider_checks.answered_ratio >= 0.9
		END
}

check() { diagnose; }
