# ESP in UDP is dropped on its way here.
#
# There is no IKE peer: port 4500 carries nothing but ESP.
#
# matrix: top=esp-blocked explained=inside-path-down? state=down exit=2 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() {
    topology --edges 1 --encap
    ready_to_block
}
fault() { block to-customer udp 4500; }
check() { diagnose; }
