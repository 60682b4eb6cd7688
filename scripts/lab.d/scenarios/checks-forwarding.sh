# The customer does not forward, or has no route for the answer: reply-style checks die, and that is why.
#
# kernel: uml qemu
# timeout: 420

set_up() {
    topology --edges 1
    health_prober
}

check() {
    health_settings 1 0
    on c sysctl -q -w net.ipv4.ip_forward=0
    health_cell off-out reply unidirectional no no_forwarding
    health_cell off-back reply bidirectional no no_forwarding
    health_cell off-request request bidirectional yes null
    on c sysctl -q -w net.ipv4.ip_forward=1
    # Turning it back on has put these back, too.
    health_settings 1 0
    say c 'route delete default'
    say c "route add $endpoint_address via $gateway_address"
    hear
    health_cell no-route reply unidirectional no no_route
}
