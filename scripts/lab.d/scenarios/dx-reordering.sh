# A path reorders the packets of a single sender.
#
# matrix: top=path-reordering state=healthy exit=0 never=anti-replay-enabled,anti-replay-drops
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }

before() {
    edges_send 80
    from_edges delay 40ms reorder 25% 50%
}

check() { diagnose; }
