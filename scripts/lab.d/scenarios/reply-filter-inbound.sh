# Echo Replies die on their way here, so no control is answered by the endpoint: open all the same.
#
# expect: -
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    answers_die 2
    path_now
    ladder_witness
    facts_open 4
}
