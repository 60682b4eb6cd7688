# The far inside address never answered, while ESP comes: perhaps it is another, and nobody is blamed.
#
# matrix: top=none unknown=inside-path-down state=unknown exit=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }

before() {
    edges_send 5
    rule e1 input echo-request "$tunnel_device"
    rules
}

check() { diagnose; }
