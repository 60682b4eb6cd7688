# Hosts behind the customer open TCP connections with an MSS that the tunnel cannot carry: seen, and said.
#
# kernel: uml qemu
# timeout: 240

set_up() {
    topology --edges 1 --routers 3
    lan_host
}

check() {
    link_mtu 2 1400
    mss_case
    facts now <<-END
		findings[].explained[].id has mss-not-clamped
		file(syns) matches mss 1460
		path_mtu.syn_mss.outbound.largest = 1460
		path_mtu.syn_mss.outbound.over_limit >= 5
		path_mtu.syn_mss.outbound.ipv4.limit = 1306
		path_mtu.syn_mss.outbound.example.forwarded = true
	END
}
