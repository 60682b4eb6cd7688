# The checks' target is no address of this host, and has no route.
#
# matrix: top=health-check-target-unroutable state=healthy exit=1
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_lines=('expect.health_check_target = "10.99.0.1"')

set_up() { topology --edges 1; }

before() {
    say c 'route delete default'
    say c "route add $endpoint_address via $gateway_address"
    hear
}

check() { diagnose; }
