# Reply-style checks whose answers go back through the tunnel, with accept_local = 0 and every rp_filter: which die, and why.
#
# kernel: uml qemu
# timeout: 420

set_up() {
    topology --edges 1
    health_prober
}

check() {
    health_settings 0 0 && health_cell local0-filter0 reply bidirectional no martian_source
    health_settings 0 1 && health_cell local0-filter1 reply bidirectional no martian_source
    health_settings 0 2 && health_cell local0-filter2 reply bidirectional no martian_source
}
