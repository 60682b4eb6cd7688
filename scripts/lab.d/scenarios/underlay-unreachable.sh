# The ISP answers packets to the endpoint with Destination Unreachable: lost, with a reason.
#
# A router sends about one ICMP error a second to a host, so not every lost probe has its reason.
#
# expect: down/2
# kernel: uml qemu
# timeout: 240

set_up() { topology; }

check() {
    underlay_dead unreachable
    check_now --unanswered inside --unanswered outside --failed outside=unreachable
}
