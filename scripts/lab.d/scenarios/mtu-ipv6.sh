# IPv6 outside, and a link of 1400 bytes behind router 2.
#
# expect: healthy/0
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 3 --outer 6; }

check() {
    link_mtu 2 1400
    path_now
    size_witness outside 1400
    size_witness inside 1326
    facts_size 1400 1326
    facts now <<-END
		path_mtu.outside.black_hole = false
		path_mtu.outside.limiting_hop = 2
	END
}
