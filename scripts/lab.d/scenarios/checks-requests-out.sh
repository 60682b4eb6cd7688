# Request-style checks whose answers leave outside the tunnel: answered, unless the strict filter refuses a way back that is not the way here.
#
# kernel: uml qemu
# timeout: 420

set_up() {
    topology --edges 1
    health_prober
}

check() {
    health_settings 0 0 && health_cell out-local0-filter0 request unidirectional yes null
    health_settings 0 2 && health_cell out-local0-filter2 request unidirectional yes null
    health_settings 0 1 && health_cell out-local0-filter1 request unidirectional no rp_filter
}
