# A healthy plain GRE tunnel, and its discovery.
#
# expect: healthy/0
# kernel: any
# timeout: 120

set_up() { topology --tunnel gre; }

check() {
    check_now --answered inside --answered outside --no-critical
    check_discovery
}
