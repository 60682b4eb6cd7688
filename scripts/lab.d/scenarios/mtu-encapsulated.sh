# ESP in UDP over a link of 1400 bytes.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 3 --encap; }

check() {
    link_mtu 2 1400
    path_now
    size_witness outside 1400
    size_witness inside 1338
    facts_size 1400 1338
    facts now <<-END
		path_mtu.recommended_mtu_bytes = 1338
	END
}
