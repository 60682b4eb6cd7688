# A healthy tunnel on an xfrm interface, and its discovery.
#
# User-mode Linux has no xfrm interfaces.
#
# expect: healthy/0
# kernel: qemu
# timeout: 300

set_up() { topology --tunnel xfrm; }

check() {
    check_now --answered inside --answered outside --no-critical
    check_discovery
}
