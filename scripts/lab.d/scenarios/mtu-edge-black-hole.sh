# The last link, to the edge, has 1420 bytes, and Packet Too Big is filtered: the link is named.
#
# expect: healthy/0
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 3; }

check() {
    link_mtu 3 1420
    too_big_filtered 3
    path_now
    size_witness outside 1420
    size_witness inside 1366
    facts_size 1420 1366
    facts now <<-END
		path_mtu.outside.black_hole = true
		path_mtu.outside.limiting_hop = 3
	END
}
