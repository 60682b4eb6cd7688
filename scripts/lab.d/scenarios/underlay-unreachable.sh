# The ISP answers packets to the endpoint with Destination Unreachable: lost, with a reason.
#
# Elsewhere a router sends about one ICMP error a second to a host; this one all of them.
#
# expect: down/2
# kernel: uml qemu
# timeout: 240

set_up() { topology; }

check() {
    # What measures the path draws errors, too, and would use up all of them.
    # Of unreachable routes there is one limit for all namespaces.
    on "$isp" sysctl -q -w net.ipv4.icmp_ratelimit=0
    sysctl -q -w net.ipv4.route.error_cost=0
    underlay_dead unreachable
    check_now --unanswered inside --unanswered outside --failed outside=unreachable
}
