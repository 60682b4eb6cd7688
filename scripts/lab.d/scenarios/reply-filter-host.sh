# The customer's own OUTPUT drops Echo Replies: blocked before the first hop, by this host.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    replies_die host
    path_now
    ladder_witness
    facts_blocked 0 this_host
}
