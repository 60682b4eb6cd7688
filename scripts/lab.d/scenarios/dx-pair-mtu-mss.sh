# The device lets in more than the path carries, and TCP is told so.
#
# matrix: top=tunnel-mtu-too-large explained=mss-not-clamped state=healthy exit=0 watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() {
    topology --edges 1 --routers 3
    lan_host
}

before() {
    link_mtu 2 1400
    background h bash -c 'while :; do timeout 0.5 bash -c "exec 3<>/dev/tcp/10.253.0.66/8001"; sleep 0.3; done'
}

check() { diagnose; }
