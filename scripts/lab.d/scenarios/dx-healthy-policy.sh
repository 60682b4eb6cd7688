# Nothing is broken: a policy-based tunnel.
#
# matrix: top=none state=healthy exit=0 watch=8
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --tunnel policy; }
check() { diagnose; }
