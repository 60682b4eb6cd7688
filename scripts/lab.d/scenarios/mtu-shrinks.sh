# A link shrinks while the daemon runs: it notices, and measures again long before its interval.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 420

set_up() { topology --edges 1 --routers 3; }

check() {
    path_lines=('pmtu_interval = "1h"')
    write_configuration "${path_lines[@]}"
    capture "$prober" "$wan_device" wan.pcap
    agent_start
    warm_up
    path_wait before 60 '"bytes": *1446'
    link_mtu 2 1400
    # What the customer sends finds it out, as a download would.
    on c ping -q -i 0.3 -w 8 -M do -s 1400 -I "$inside_source" "$inside_target" >/dev/null 2>&1 || true
    path_wait now 150 '"bytes": *1346'
    agent_stop
    captures_end
    size_witness outside 1400
    size_witness inside 1346
    facts before <<-END
		path_mtu.outside.bytes = 1500
		path_mtu.inside.bytes = 1446
	END
    facts_size 1400 1346
}
