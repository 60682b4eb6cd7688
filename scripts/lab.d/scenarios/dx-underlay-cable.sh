# The cable is pulled.
#
# matrix: top=underlay-down explained=inside-path-down?,esp-blocked?,underlay-loss? state=down exit=2 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }
fault() { ip -n "$lab_prefix$isp" link set cust down; }
check() { diagnose; }
