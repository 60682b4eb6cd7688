# The underlay is dead and the device is down: both must be mended.
#
# matrix: top=underlay-down explained=inside-path-down?,esp-blocked?,underlay-loss? also=tunnel-interface-down state=down exit=2 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }

fault() {
    underlay_dead silent
    ip -n "$lab_prefix$customer" link set "$tunnel_device" down
}

check() { diagnose; }
