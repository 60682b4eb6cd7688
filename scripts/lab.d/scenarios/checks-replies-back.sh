# Reply-style checks whose answers go back through the tunnel, with every accept_local and rp_filter: which die, and why.
#
# kernel: uml qemu
# timeout: 300

set_up() {
    topology --edges 1
    health_prober
}

check() {
    health_settings 0 0 && health_cell local0-filter0 reply bidirectional no martian_source
    health_settings 0 1 && health_cell local0-filter1 reply bidirectional no martian_source
    health_settings 0 2 && health_cell local0-filter2 reply bidirectional no martian_source
    health_settings 1 0 && health_cell local1-filter0 reply bidirectional yes null
    health_settings 1 1 && health_cell local1-filter1 reply bidirectional yes null
    health_settings 1 2 && health_cell local1-filter2 reply bidirectional yes null
}
