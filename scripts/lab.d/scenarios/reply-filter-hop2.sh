# Router 2 passes no Echo Replies on: blocked after hop 2.
#
# expect: healthy/0
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    replies_die through 2
    path_now
    ladder_witness
    facts_blocked 2 transit
}
