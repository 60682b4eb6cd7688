# Nothing is broken: ESP in UDP, loaded by hand.
#
# matrix: top=none state=healthy exit=0 watch=8
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --encap; }
check() { diagnose; }
