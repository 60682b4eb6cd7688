# A policy-based tunnel without a device: inside probes by source address, and its discovery.
#
# expect: healthy/0
# kernel: qemu uml
# timeout: 300

set_up() { topology --tunnel policy; }

check() {
    check_now --answered inside --answered outside --no-critical
    check_discovery
}
