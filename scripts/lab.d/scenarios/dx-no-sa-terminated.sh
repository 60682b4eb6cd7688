# Somebody terminated the IKE SA.
#
# matrix: top=no-security-association explained=inside-path-down? state=down exit=2 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike_start
    ike_up
}

fault() { ike_control c --terminate --ike lab >"$work/terminate" 2>&1; }

check() { diagnose; }
