# A healthy plain GRE tunnel, and its discovery.
#
# expect: healthy/0
# kernel: qemu uml
# timeout: 300

set_up() { topology --tunnel gre; }

check() {
    check_now --answered inside --answered outside --no-critical
    check_discovery
}
