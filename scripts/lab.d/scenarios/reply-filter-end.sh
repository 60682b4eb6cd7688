# The edge itself drops Echo Replies, which nothing outside can tell: open as far as is visible.
#
# expect: healthy/0
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    replies_die edge
    path_now
    ladder_witness
    facts_open 4
}
