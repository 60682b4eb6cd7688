# Every rekey disturbs, and the device lets in packets too large for the path.
#
# matrix: top=rekey-disruption explained=tunnel-flapping?,inside-path-down? also=tunnel-mtu-too-large state=degraded|down exit=1|2 settled=3 watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --routers 3; }

fault() {
    local turn
    link_mtu 2 1400
    for turn in 1 2 3; do
        rekey_lagging 2.5
        sleep 5
    done
}

check() { diagnose; }
