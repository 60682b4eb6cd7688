# charon has the connection, and nobody initiated it.
#
# matrix: top=no-security-association explained=inside-path-down? state=down exit=2
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike_start
}

check() { diagnose; }
