# IPv6 outside: four routers, nothing in the way.
#
# expect: healthy/0
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 4 --outer 6; }

check() {
    path_now
    ladder_witness
    facts_open 4
}
