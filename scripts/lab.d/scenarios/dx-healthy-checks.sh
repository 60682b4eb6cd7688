# Nothing is broken: the provider checks in request style, and is answered through the tunnel.
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
    health_settings 0 0
    checks_come request bidirectional answered
}

proof() {
    facts now <<-END
		provider_checks.style = request
		provider_checks.answered_ratio >= 0.9
		END
}

check() { diagnose; }
