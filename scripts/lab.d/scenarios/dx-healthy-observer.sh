# Nothing is broken: the agent sits behind the appliance that ends the tunnel.
#
# matrix: top=none state=healthy exit=0 never=no-security-association,tunnel-interface-down watch=8
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --observer; }
check() { diagnose; }
