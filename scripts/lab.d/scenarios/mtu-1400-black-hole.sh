# A link of 1400 bytes behind router 2, whose Packet Too Big is filtered: a black hole, found to the byte, and named.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 3; }

check() {
    link_mtu 2 1400
    too_big_filtered 2
    path_now
    size_witness outside 1400
    size_witness inside 1346
    facts_size 1400 1346
    facts now <<-END
		path_mtu.outside.black_hole = true
		path_mtu.outside.limiting_hop = 2
		path_mtu.recommended_mtu_bytes = 1346
		path_mtu.recommended_mss_bytes = 1306
	END
}
