# Nothing is broken: an xfrm interface on Debian's own kernel.
#
# matrix: top=none state=healthy exit=0 watch=8
# kernel: qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --tunnel xfrm; }
check() { diagnose; }
