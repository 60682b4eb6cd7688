# The far end's ESP does not fit through a link, and comes in fragments: counted.
#
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 2; }

check() {
    # Whoever sends without Don't Fragment leaves it to the routers.
    link_mtu 1 1400
    write_configuration
    capture c wan wan.pcap
    agent_start
    warm_up
    sleep 1
    on e1 ping -q -c 20 -i 0.2 -M dont -s 1400 -I 10.252.0.0 10.252.0.1 >"$work/ping" 2>&1 || true
    sleep 1
    agent_status now
    replay_scrape control.sock now
    agent_stop
    captures_end
    # The first fragment of each, and the rest of it.
    facts now <<-END
		fragments(wan.pcap,$endpoint_address) >= 15
		streams[direction=inbound].fragments >= 15
		path_mtu.outer_fragments.inbound.first >= 15
		path_mtu.outer_fragments.inbound.later >= 15
		findings[].explained[].id has esp-fragmented
		metric(now,tunnelprobe_esp_fragments_total{tunnel="lab",direction="inbound"}) >= fragments(wan.pcap,$endpoint_address)
	END
}
