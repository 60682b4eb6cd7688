# The SAs are gone from the kernel.
#
# matrix: top=no-security-association explained=inside-path-down? state=down exit=2 settled=3
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }

fault() { ip -n "$lab_prefix$customer" xfrm state flush; }

proof() {
    facts now <<-END
		kernel.sas = []
		END
}

check() { diagnose; }
