# A healthy VTI tunnel over an anycast underlay: every probe is answered.
#
# Also: `probe discover` finds it with no tunnel configured, and prints a configuration that works.
#
# expect: healthy/0
# kernel: qemu uml
# timeout: 300

set_up() { topology --tunnel vti; }

check() {
    check_now --answered inside --answered outside --no-critical
    check_discovery
}
