# Router 2 refuses Echo Replies and says so: administratively prohibited.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    replies_die refused 2
    path_now
    ladder_witness
    facts_blocked 2 transit
}
