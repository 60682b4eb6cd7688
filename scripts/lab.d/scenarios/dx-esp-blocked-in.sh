# The peer's ESP is dropped on its way here, while the tunnel runs.
#
# matrix: top=esp-blocked explained=inside-path-down? state=down exit=2 settled=3
# kernel: uml qemu
# timeout: 150

set_up() {
    topology --edges 1
    ready_to_block
}
fault() { block to-customer esp; }
check() { diagnose; }
