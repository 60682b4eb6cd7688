# A plain GRE tunnel over a link of 1400 bytes.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 3 --tunnel gre; }

check() {
    link_mtu 2 1400
    path_now
    size_witness outside 1400
    size_witness inside 1376
    facts_size 1400 1376
    facts now <<-END
		path_mtu.outside.limiting_hop = 2
		path_mtu.recommended_mtu_bytes = 1376
	END
}
