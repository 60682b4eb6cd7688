# The underlay dies four times, and the tunnel with it.
#
# matrix: top=underlay-loss explained=tunnel-flapping,inside-path-down? state=degraded exit=1 settled=3 watch=15
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }

fault() {
    local turn
    for turn in 1 2 3 4; do
        underlay_dead silent
        sleep 3
        underlay_alive
        sleep 3
    done
    fault_begins
    sleep 1
}

check() { diagnose; }
