# Thousands of SAs of others come and go in seconds: the agent still knows its tunnel's, and its totals.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 300

set_up() { topology --edges 1; }

check() {
    write_configuration
    capture c wan wan.pcap
    agent_start
    warm_up
    agent_wait 4
    awk 'BEGIN {
        for (k = 1; k <= 3000; k++) {
            sa = sprintf("src 203.0.113.10 dst 192.0.2.250 proto esp spi 0x%08x", 0xd0000000 + k)
            print "xfrm state add " sa " mode tunnel enc cipher_null \"\" auth digest_null \"\""
            if (k > 1000) print "xfrm state delete " sa
        }
    }' >"$work/flood"
    ip -n "${lab_prefix}c" -batch "$work/flood"
    note theirs "$(ip -n "${lab_prefix}c" xfrm state list | grep -c '^src 203.0.113.10 dst 192.0.2.250')"
    # New SAs for the tunnel, too: what the old ones had sent must not be forgotten.
    say c "xfrm state delete src $customer_address dst $endpoint_address proto esp spi $spi_to_edge"
    _states c 2>/dev/null || true
    hear || true
    agent_wait 10
    ip -n "${lab_prefix}c" link set "$tunnel_device" down
    sleep 0.5
    agent_status status
    replay_scrape control.sock status
    agent_stop
    captures_end
    facts status <<-END
		noted(theirs) = 1000
		kernel.available = true
		count(kernel.sas[]) = 2
		metric(status,tunnelprobe_netlink_overruns_total) >= 0
		kernel.totals.outbound.packets <= esp(wan.pcap,$customer_address)
		kernel.totals.outbound.packets > 0
	END
}
