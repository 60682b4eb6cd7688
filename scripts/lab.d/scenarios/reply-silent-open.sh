# Routers 2 and 3 answer nothing, and nothing is filtered: open.
#
# expect: healthy/0
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 5; }

check() {
    silent 2
    silent 3
    path_now
    ladder_witness
    facts_open 5
}
