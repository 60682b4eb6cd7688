# Reply-style checks whose answers leave outside the tunnel, with accept_local = 1 and every rp_filter: which die, and why.
#
# The table was measured: a source of our own is refused unless accept_local is set, and strict reverse-path
# filtering refuses it on a device that it is not reached by.
#
# kernel: uml qemu
# timeout: 420

set_up() {
    topology --edges 1
    health_prober
}

check() {
    health_settings 1 0 && health_cell local1-filter0 reply unidirectional yes null
    health_settings 1 1 && health_cell local1-filter1 reply unidirectional no rp_filter
    health_settings 1 2 && health_cell local1-filter2 reply unidirectional yes null
}
