# A link of 1400 bytes behind router 2, which says so, and the device lets in 1400.
#
# matrix: top=tunnel-mtu-too-large state=healthy exit=0 watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --routers 3; }
before() { link_mtu 2 1400; }
check() { diagnose; }
