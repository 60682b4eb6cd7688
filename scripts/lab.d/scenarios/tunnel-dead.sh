# The provider lost the tunnel (no SAs at the edges); the underlay is fine.
#
# expect: down/2
# kernel: qemu uml
# timeout: 240

set_up() { topology; }

check() {
    tunnel_dead
    check_now --unanswered inside --answered outside --no-finding underlay-down
}
