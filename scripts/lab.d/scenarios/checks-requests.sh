# Request-style checks to an address of ours: answered with any accept_local; unless the way back is not the way here, and strictly filtered.
#
# kernel: uml qemu
# timeout: 300

set_up() {
    topology --edges 1
    health_prober
}

check() {
    health_settings 0 0 && health_cell back-local0-filter0 request bidirectional yes null
    health_settings 0 1 && health_cell back-local0-filter1 request bidirectional yes null
    health_settings 1 2 && health_cell back-local1-filter2 request bidirectional yes null
    health_settings 0 0 && health_cell out-local0-filter0 request unidirectional yes null
    health_settings 0 2 && health_cell out-local0-filter2 request unidirectional yes null
    health_settings 0 1 && health_cell out-local0-filter1 request unidirectional no rp_filter
}
