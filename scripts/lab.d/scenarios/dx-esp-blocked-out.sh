# ESP is dropped on its way to the peer, whose own still comes.
#
# matrix: top=esp-blocked explained=inside-path-down? state=down exit=2 settled=12 watch=25
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() {
    topology --edges 1
    ready_to_block
}
before() { edges_send 5; }
fault() { block to-edge esp; }
check() { diagnose; }
