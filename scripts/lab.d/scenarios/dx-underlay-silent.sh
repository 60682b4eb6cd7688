# The ISP silently drops everything to the endpoint.
#
# matrix: top=underlay-down explained=inside-path-down?,esp-blocked?,underlay-loss? state=down exit=2 settled=3
# kernel: uml qemu
# timeout: 150

set_up() { topology --edges 1; }
fault() { underlay_dead silent; }
check() { diagnose; }
