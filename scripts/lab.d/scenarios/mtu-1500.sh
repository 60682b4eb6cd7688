# Nothing narrows the path: 1500 bytes outside, what AES-GCM leaves of them inside.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 3; }

check() {
    path_now
    size_witness outside 1500
    size_witness inside 1446
    facts_size 1500 1446
    facts now <<-END
		path_mtu.outside.black_hole = false
		path_mtu.outside.limiting_hop = null
		path_mtu.inside.black_hole = false
		path_mtu.esp_overhead_bytes = 54
		path_mtu.recommended_mtu_bytes = 1400
		path_mtu.recommended_mss_bytes = 1360
	END
}
