# PPPoE: 1492 bytes behind the customer's own router.
#
# expect: healthy/0
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 3; }

check() {
    link_mtu 1 1492
    path_now
    size_witness outside 1492
    size_witness inside 1438
    facts_size 1492 1438
    facts now <<-END
		path_mtu.outside.black_hole = false
		path_mtu.outside.limiting_hop = 1
		path_mtu.recommended_mtu_bytes = 1400
	END
}
