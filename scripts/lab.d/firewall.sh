# Packet filters of the lab's nodes, in whatever the guest's kernel has: nftables on Debian's kernel,
# iptables-legacy in user-mode Linux, whose nftables knows no IPv4. Sourced after topology.sh.
#
# Rules are collected and each namespace gets all of its own from one process, as with `ip -batch`.

declare -A _rules=()

# rule NAME HOOK MATCH [DEVICE]: collects a rule for a namespace.
#
#   HOOK   raw, before everything, also before the hop limit is looked at · forward · input · output: drop
#          reject, in forward, and say so (administratively prohibited)
#          mark, with the mark that `split` routes by · nat: translate what leaves by DEVICE
#   MATCH  echo-reply  echo-request  time-exceeded  too-big  unreachable  invalid (connection tracking's word)
#          udp-PORT, to that port
#          masquerade, for nat
#          odd-checksum, replies: ICMP of these flows, for mark
#   DEVICE by which it comes in (raw, forward, input) or leaves (nat)
rule() {
    if [[ $lab_kernel == uml ]]; then _rule_iptables "$@"; else _rule_nftables "$@"; fi
}

# rules: puts the collected rules in force.
rules() {
    local name status=0
    for name in "${!_rules[@]}"; do
        if [[ $lab_kernel != uml ]]; then
            on "$name" nft -f - <<<"${_rules[$name]}" || status=1
        else
            local program=iptables-legacy-restore
            [[ $outer == 4 ]] || program=ip6tables-legacy-restore
            on "$name" "$program" -w -n <<<"${_rules[$name]}" || status=1
        fi
        [[ $status -eq 0 ]] || {
            echo "firewall: failed in namespace $lab_prefix$name, among: ${_rules[$name]}" >&2
            return 1
        }
    done
    _rules=()
}

# rules_clear NAME…: takes back every rule of these namespaces.
rules_clear() {
    local name table text=''
    for name; do
        if [[ $lab_kernel != uml ]]; then
            on "$name" nft flush ruleset
        else
            for table in raw mangle nat filter; do text+="*$table"$'\n-F\nCOMMIT\n'; done
            local program=iptables-legacy-restore
            [[ $outer == 4 ]] || program=ip6tables-legacy-restore
            on "$name" "$program" -w -n <<<"$text"
        fi
    done
}

_rule_iptables() {
    local table=filter chain match target='-j DROP' device='' first=0 icmp='icmp --icmp-type'
    [[ $outer == 4 ]] || icmp='ipv6-icmp --icmpv6-type'
    [[ -z ${4-} ]] || device="-i $4"
    case $2 in
    raw) table=raw chain=PREROUTING ;;
    forward) chain=FORWARD ;;
    input) chain=INPUT ;;
    output) chain=OUTPUT device='' ;;
    reject)
        chain=FORWARD target='-j REJECT --reject-with icmp-admin-prohibited'
        [[ $outer == 4 ]] || target='-j REJECT --reject-with icmp6-adm-prohibited'
        ;;
    mark) table=mangle chain=PREROUTING target="-j MARK --set-xmark 0x7/0x7" ;;
    nat) table=nat chain=POSTROUTING target='-j MASQUERADE' ;;
    esac
    case $3 in
    echo-reply | echo-request | time-exceeded) match="-p $icmp $3" ;;
    too-big)
        match="-p $icmp fragmentation-needed"
        [[ $outer == 4 ]] || match="-p $icmp packet-too-big"
        ;;
    unreachable) match="-p $icmp destination-unreachable" ;;
    udp-*) match="-p udp --dport ${3#udp-}" ;;
    invalid) match='-m conntrack --ctstate INVALID' ;;
    masquerade) match="-o $4" device='' ;;
    odd-checksum)
        # The last bit of the first four octets behind the IP header.
        first='0>>22&0x3C@0&0x1=0x1'
        [[ $outer == 4 ]] || first='40&0x1=0x1'
        match="-p ${icmp% *} -m u32 --u32 $first"
        ;;
    replies) match="-p $icmp echo-reply" target='-j MARK --set-xmark 0x0/0x7' ;;
    esac
    _rules[$1]+="*$table"$'\n'"-A $chain $device $match $target"$'\nCOMMIT\n'
}

_rule_nftables() {
    local chain=$2 hook match verdict=drop device='' icmp='icmp'
    [[ $outer == 4 ]] || icmp=icmpv6
    [[ -z ${4-} ]] || device="iifname $4"
    case $2 in
    raw) hook='type filter hook prerouting priority -300' ;;
    forward | input | output) hook="type filter hook $2 priority 0" ;;
    reject)
        chain=forward hook='type filter hook forward priority 0' verdict="reject with $icmp type admin-prohibited"
        ;;
    mark) hook='type filter hook prerouting priority -150' verdict='meta mark set 7' ;;
    nat) hook='type nat hook postrouting priority 100' verdict=masquerade ;;
    esac
    case $3 in
    echo-reply | echo-request | time-exceeded) match="$icmp type $3" ;;
    too-big)
        match='icmp type destination-unreachable icmp code frag-needed'
        [[ $outer == 4 ]] || match='icmpv6 type packet-too-big'
        ;;
    unreachable) match="$icmp type destination-unreachable" ;;
    udp-*) match="udp dport ${3#udp-}" ;;
    invalid) match='ct state invalid' ;;
    masquerade) match="oifname $4" device='' ;;
    odd-checksum) match="meta l4proto $icmp @th,31,1 1" ;;
    replies) match="$icmp type echo-reply" verdict='meta mark set 0' ;;
    esac
    [[ $icmp == icmp || $match != *l4proto* ]] || match=${match/icmpv6/ipv6-icmp}
    _rules[$1]+="add table inet lab
add chain inet lab $chain { $hook; }
add rule inet lab $chain $device $match counter $verdict
"
}
