# Router 1 drops Echo Replies as they come in: blocked before it.
#
# expect: healthy/0
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    replies_die in 1
    path_now
    ladder_witness
    facts_blocked 0 first_hop
}
