# The last router, the provider's, drops Echo Replies as they come in: blocked after the one before.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    replies_die in 4
    path_now
    ladder_witness
    facts_blocked 3 provider_edge
}
