# Router 3 of five passes no Echo Replies on: blocked after hop 3.
#
# expect: healthy/0
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 5; }

check() {
    replies_die through 3
    path_now
    ladder_witness
    facts_blocked 3 transit
}
