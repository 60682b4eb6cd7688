# ESP is dropped four times on its way here, for three seconds each, and nothing shows why.
#
# matrix: top=tunnel-flapping state=degraded exit=1 settled=3 watch=15
# kernel: uml qemu
# timeout: 150

set_up() { topology --edges 1; }

fault() {
    local turn
    for turn in 1 2 3 4; do
        block to-customer esp
        sleep 3
        unblock
        sleep 3
    done
    fault_begins
    sleep 1
}

check() { diagnose; }
