# The endpoint answers no Echo Requests: the sweep proves the path up to the last router.
#
# expect: -
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 3; }

check() {
    link_mtu 1 1400
    rule e1 input echo-request isp
    rules
    path_now
    if on c ping -q -c 2 -i 0.3 -W 1 "$endpoint_address" >/dev/null; then note endpoint answers; else note endpoint silent; fi
    size_witness inside 1346
    facts_all now <<-END
		noted(endpoint) = silent
		noted(inside-fits) = yes
		noted(inside-larger) = no
		path_mtu.outside.bytes = 1400
		path_mtu.outside.black_hole = false
		path_mtu.outside.limiting_hop = 1
		path_mtu.inside.bytes = 1346
	END
}
