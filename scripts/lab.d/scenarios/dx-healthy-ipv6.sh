# Nothing is broken: IPv6 outside.
#
# matrix: top=none state=healthy exit=0 watch=8
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --outer 6 --routers 2; }
check() { diagnose; }
