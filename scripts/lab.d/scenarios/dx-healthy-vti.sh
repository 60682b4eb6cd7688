# Nothing is broken: a VTI tunnel whose SAs were loaded by hand.
#
# matrix: top=none state=healthy exit=0 watch=8
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }
check() { diagnose; }
