# The far inside address stops answering, while ESP comes.
#
# matrix: top=inside-path-down state=down exit=2 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }

before() { edges_send 5; }

fault() {
    rule e1 input echo-request "$tunnel_device"
    rules
    fault_begins
}

check() { diagnose; }
