# Two routers side by side share flows by their checksum: open.
#
# expect: healthy/0
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 4 --parallel 2; }

check() {
    split checksum
    path_now
    ladder_witness
    facts_open 4
}
