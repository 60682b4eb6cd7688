# Reply-style checks whose answers leave outside the tunnel, with accept_local = 0 and every rp_filter: which die, and why.
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
    health_settings 0 0 && health_cell local0-filter0 reply unidirectional no martian_source
    health_settings 0 1 && health_cell local0-filter1 reply unidirectional no martian_source
    health_settings 0 2 && health_cell local0-filter2 reply unidirectional no martian_source
}
