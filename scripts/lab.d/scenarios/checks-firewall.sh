# FORWARD drops what connection tracking calls invalid: reply-style checks die, request-style ones do not.
#
# kernel: uml qemu
# timeout: 420

set_up() {
    topology --edges 1
    health_prober
}

check() {
    health_settings 1 0
    rule c forward invalid
    rules
    health_cell out reply unidirectional no firewall
    health_cell back reply bidirectional no firewall
    health_cell request request bidirectional yes null
}
