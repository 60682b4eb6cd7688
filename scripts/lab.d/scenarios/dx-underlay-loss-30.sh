# Three packets in ten are lost on their way here.
#
# matrix: top=underlay-loss explained=inside-path-down? state=degraded|down exit=1|2 settled=3 watch=30
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_lines=('interval = "250ms"')

set_up() { topology --edges 1; }
fault() { from_edges loss 30%; }
check() { diagnose; }
