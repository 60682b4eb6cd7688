# After every rekey the far end takes 2.5 s to know the new SAs.
#
# matrix: top=rekey-disruption explained=tunnel-flapping?,inside-path-down? state=degraded|down exit=1|2 settled=3 watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }

fault() {
    local turn
    for turn in 1 2 3; do
        rekey_lagging 2.5
        sleep 5
    done
}

check() { diagnose; }
