# Router 2 loses ESP packets over 1300 bytes and nothing else: a black hole inside, none outside.
#
# expect: healthy/0
# kernel: uml
# timeout: 240

set_up() { topology --edges 1 --routers 3; }

check() {
    on r2 iptables-legacy -w -A FORWARD -p esp -m length --length 1301: -j DROP
    path_now
    size_witness outside 1500
    size_witness inside 1246
    facts_size 1500 1246
    facts now <<-END
		path_mtu.outside.black_hole = false
		path_mtu.inside.black_hole = true
		path_mtu.recommended_mtu_bytes = 1246
		path_mtu.recommended_mss_bytes = 1206
	END
}
