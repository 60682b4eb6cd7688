# The tunnel's device is administratively down.
#
# matrix: top=tunnel-interface-down explained=inside-path-down? state=down exit=2 settled=3
# kernel: uml qemu
# timeout: 150

set_up() { topology --edges 1; }
fault() { ip -n "$lab_prefix$customer" link set "$tunnel_device" down; }
check() { diagnose; }
