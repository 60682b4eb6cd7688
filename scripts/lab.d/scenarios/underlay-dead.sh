# The ISP silently drops everything to the endpoint.
#
# expect: down/2
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology; }

check() {
    underlay_dead silent
    check_now --unanswered inside --unanswered outside
}
