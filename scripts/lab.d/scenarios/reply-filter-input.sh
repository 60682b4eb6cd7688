# The customer's INPUT drops what connection tracking calls invalid: answers are hidden from raw sockets.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    rule c input invalid
    rules
    path_now
    ladder_witness
    facts_open 4
}
