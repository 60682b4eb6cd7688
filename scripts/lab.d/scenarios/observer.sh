# A host behind the appliance that ends the tunnel: healthy, and nothing an endpoint alone knows is asked of it.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --observer; }

check() {
    check_now --answered inside --answered outside --no-critical \
        --no-finding tunnel-interface-down --no-finding no-security-association
}
