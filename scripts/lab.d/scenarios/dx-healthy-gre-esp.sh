# Nothing is broken: GRE within ESP in transport mode.
#
# matrix: top=none state=healthy exit=0 watch=8
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --tunnel gre-esp; }
check() { diagnose; }
