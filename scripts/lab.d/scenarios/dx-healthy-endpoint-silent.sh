# Nothing is broken: the endpoint answers no pings, and the inside works.
#
# matrix: top=none state=healthy exit=0 never=underlay-down,underlay-loss watch=12
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --routers 3; }

before() {
    rule e1 input echo-request isp
    rules
}

check() { diagnose; }
