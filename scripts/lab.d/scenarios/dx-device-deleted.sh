# The tunnel's device was deleted.
#
# matrix: top=tunnel-interface-down explained=inside-path-down? state=down exit=2 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }
fault() { ip -n "$lab_prefix$customer" link delete "$tunnel_device"; }
check() { diagnose; }
