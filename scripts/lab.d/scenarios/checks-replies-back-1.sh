# Reply-style checks whose answers go back through the tunnel, with accept_local = 1 and every rp_filter: which die, and why.
#
# kernel: uml qemu
# timeout: 420

set_up() {
    topology --edges 1
    health_prober
}

check() {
    health_settings 1 0 && health_cell local1-filter0 reply bidirectional yes null
    health_settings 1 1 && health_cell local1-filter1 reply bidirectional yes null
    health_settings 1 2 && health_cell local1-filter2 reply bidirectional yes null
}
