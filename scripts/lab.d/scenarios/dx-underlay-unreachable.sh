# The ISP says that the endpoint is unreachable.
#
# matrix: top=underlay-down explained=inside-path-down?,esp-blocked?,underlay-loss? state=down exit=2 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }
fault() { underlay_dead unreachable; }
check() { diagnose; }
