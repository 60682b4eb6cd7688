# IKE comes up, and the peer's ESP is dropped on its way here from the start.
#
# matrix: top=esp-blocked explained=inside-path-down? state=down exit=2
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1 --ike; }

before() {
    ike_sound
    ike_start
    block to-customer esp
}

fault() { ike_up; }

proof() {
    facts now <<-END
		ike.esp = one_way
		kernel.sas[direction=inbound].packets = 0
		END
}

check() { diagnose; }
