# Two routers side by side, and the one behind them passes no Echo Replies on: blocked after it.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 5 --parallel 2; }

check() {
    split type
    replies_die through 3
    path_now
    ladder_witness
    facts_blocked 3 transit
}
