# Window 32, and one server alone: nothing to say against it.
#
# matrix: top=none state=healthy exit=0 never=anti-replay-drops,anti-replay-enabled watch=15
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --replay-window 32; }
before() { edges_send 20; }
check() { diagnose; }
