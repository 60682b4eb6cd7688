# The provider lost the tunnel: from here that cannot be told from ESP dropped on its way.
#
# matrix: top=esp-blocked explained=inside-path-down? state=down exit=2 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }
fault() { tunnel_dead; }
check() { diagnose; }
