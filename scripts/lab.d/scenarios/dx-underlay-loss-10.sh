# One packet in ten is lost on its way here.
#
# matrix: top=underlay-loss explained=inside-path-down? state=degraded|down exit=1|2 settled=3 watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_lines=('interval = "250ms"')

set_up() { topology --edges 1; }
fault() { from_edges loss 10%; }
check() { diagnose; }
