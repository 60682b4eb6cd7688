# Nothing is broken: plain GRE.
#
# matrix: top=none state=healthy exit=0 watch=8
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --tunnel gre; }
check() { diagnose; }
