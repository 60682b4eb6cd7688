# Request-style checks to an address of ours, answered through the tunnel, with any accept_local and rp_filter.
#
# kernel: uml qemu
# timeout: 420

set_up() {
    topology --edges 1
    health_prober
}

check() {
    health_settings 0 0 && health_cell back-local0-filter0 request bidirectional yes null
    health_settings 0 1 && health_cell back-local0-filter1 request bidirectional yes null
    health_settings 1 2 && health_cell back-local1-filter2 request bidirectional yes null
}
