# Router 1 passes no Echo Replies on: blocked after hop 1.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    replies_die through 1
    path_now
    ladder_witness
    facts_blocked 1 first_hop
}
