# The far end's ESP does not fit through a link, and comes in fragments.
#
# matrix: top=esp-fragmented state=healthy exit=0
# kernel: uml qemu
# usual: no
# timeout: 150

diagnosed_mtu=1300

set_up() { topology --edges 1 --routers 2; }

before() {
    link_mtu 1 1400
    background e1 /usr/bin/python3 -B "$lab_folder/send_bursts.py" "$lab_prefix" 2 0.4 1370
}

check() { diagnose; }
