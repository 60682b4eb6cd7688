# The path carries 1500 bytes, and so the device is set.
#
# matrix: top=tunnel-mtu-too-large state=healthy exit=0 watch=40
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_mtu=1500

set_up() { topology --edges 1 --routers 3; }
check() { diagnose; }
