# Hosts behind the customer open TCP connections, and their MSS is clamped: nothing to say.
#
# kernel: uml
# timeout: 240

set_up() {
    topology --edges 1 --routers 3
    lan_host
}

check() {
    link_mtu 2 1400
    on c iptables-legacy -w -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -o ipsec0 -j TCPMSS --set-mss 1306
    mss_case
    facts now <<-END
		findings[].id lacks mss-not-clamped
		file(syns) matches mss 1306
		file(syns) lacks mss 1460
		path_mtu.syn_mss.outbound.seen >= 5
		path_mtu.syn_mss.outbound.largest = 1306
		path_mtu.syn_mss.outbound.over_limit = 0
	END
}
