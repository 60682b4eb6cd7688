# Two routers side by side, and Echo Replies go another way than Echo Requests: open.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4 --parallel 2; }

check() {
    split type
    path_now
    ladder_witness
    facts_open 4
}
