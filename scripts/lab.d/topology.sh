# The lab's network: a customer, an ISP, and a provider whose edge servers share one tunnel.
#
#   c ──wan──── i ────┬──── e1 ─┐
#                     ├──── e2 ─┼─ beyond (10.253.0.0/24)
#                     └──── eN ─┘
#
# c    the customer: 203.0.113.10 on `wan`, the tunnel device `ipsec0` with 10.252.0.1/31
# i    the ISP: forwards, spreads flows to the anycast address over all edges; or r1 … rN in a row, where
#      one may have another beside it (underlay.sh)
# e1…  the edges: each holds 198.51.100.1, the same SPIs and keys with a counter of its own, and
#      10.252.0.0/31 at the far end of the tunnel
#
# With an observer, c is called fw (the appliance that ends the tunnel) and obs sits behind it.
#
# Every namespace's name begins with $lab_prefix, so that several networks can stand side by side.
# Sourced by scenarios and by the shell; needs the guest, whose defaults let every namespace forward.
#
# A process costs 100 ms in the guest and a subshell up to 40 ms, so commands are collected and each
# namespace gets all of its own in one `ip -batch`.

lab_prefix=${lab_prefix-} topology_pids=()

readonly spi_to_edge=0xc0de0001 spi_to_customer=0xc0de0002
readonly tunnel_mark=42

# on NAME COMMAND…: runs a command in a namespace.
on() {
    local name=$1
    shift
    ip netns exec "$lab_prefix$name" "$@"
}

# say NAME COMMAND: collects an `ip` command for a namespace. hear runs what was collected, and returns
# 1 when a command failed.
declare -A _said=()
_said_links=''
say() { _said[$1]+=$2$'\n'; }
hear() {
    local name failed=0
    for name in "${!_said[@]}"; do
        ip -n "$lab_prefix$name" -batch - <<<"${_said[$name]}" || {
            echo "topology: failed in namespace $lab_prefix$name, among: ${_said[$name]}" >&2
            failed=1
        }
    done
    _said=()
    return $failed
}

# topology [OPTION…]: builds the network.
#
#   --tunnel vti|xfrm|policy|gre|gre-esp   what carries the inside; policy has no device (default vti)
#   --outer 4|6          family of the outer addresses (default 4)
#   --edges N            edge servers (default 3)
#   --routers N          routers in a row; with 1 it is called i (default 1)
#   --parallel K         router K has another beside it, rKb: two equal ways (with routers before and behind)
#   --nat                router 1 translates the customer, whose address is private (with --routers above 1)
#   --suite NAME         of both SAs, one of suites.sh (default gcm); --encap: ESP in UDP port 4500
#   --replay-window N    of the customer's inbound SA (default 0: the provider has many counters)
#   --observer           put a host behind an appliance that ends the tunnel
#   --ike                no SAs, no policies: daemons will negotiate them (see strongswan.sh)
topology() {
    tunnel=vti outer=4 edges=3 routers=1 replay_window=0 observer='' ike_keys='' parallel='' nat='' suite=gcm encap=''
    while [[ $# -gt 0 ]]; do
        case $1 in
        --tunnel | --outer | --edges | --routers | --parallel | --suite)
            printf -v "${1#--}" '%s' "$2"
            shift
            ;;
        --replay-window)
            replay_window=$2
            shift
            ;;
        --observer) observer=yes ;;
        --ike) ike_keys=yes ;;
        --nat) nat=yes ;;
        --encap) encap=yes ;;
        *)
            echo "topology: unknown option $1" >&2
            return 64
            ;;
        esac
        shift
    done

    if [[ $outer == 4 ]]; then
        customer_address=203.0.113.10 gateway_address=203.0.113.1 endpoint_address=198.51.100.1
        wan_length=24 host_length=32 link_length=30 customer_network=203.0.113.0/24
    else
        customer_address=2001:db8:113::10 gateway_address=2001:db8:113::1 endpoint_address=2001:db8:100::1
        wan_length=64 host_length=128 link_length=64 customer_network=2001:db8:113::/64
    fi
    public_address=$customer_address
    if [[ -n $nat ]]; then
        customer_address=192.168.77.10 gateway_address=192.168.77.1 customer_network=192.168.77.0/24
        _link_addresses 1
        public_address=$near
    fi
    router_names=(i)
    [[ $routers == 1 ]] || mapfile -t router_names < <(seq -f 'r%g' 1 "$routers")
    isp=${router_names[-1]}

    # What a scenario and its agent.conf need to know of this network.
    customer=c prober=c role=endpoint kind=$tunnel wan_device=wan tunnel_device=ipsec0
    outside_source=$customer_address
    inside_source=10.252.0.1 inside_target=10.252.0.0 inside_beyond=10.253.0.2
    case $tunnel in
    vti | xfrm) ;;
    gre | gre-esp) tunnel_device=gre1 kind=gre ;;
    policy) tunnel_device='' inside_source=10.1.0.1 inside_target=10.2.0.1 inside_beyond=10.2.0.9 ;;
    *)
        echo "topology: --tunnel $tunnel: vti, xfrm, policy, gre or gre-esp" >&2
        return 64
        ;;
    esac
    [[ -z $observer ]] || customer=fw

    _said=() _said_links='' _said_namespaces=''
    local k near far
    _underlay
    _customer
    for ((k = 1; k <= edges; k++)); do _edge "$k"; done
    [[ -z $observer ]] || _observer
    ip -batch - <<<"$_said_namespaces$_said_links"
    hear
    [[ -z $nat ]] || {
        rule r1 nat masquerade core
        rules
    }
    [[ -z $encap ]] || _encapsulation
}

# _encapsulation: ESP in UDP comes in where a socket is told to give it to the kernel; one process has one
# in every namespace that needs it.
_encapsulation() {
    local names=("$lab_prefix$customer") k
    for ((k = 1; k <= edges; k++)); do names+=("${lab_prefix}e$k"); done
    coproc encapsulating { exec /usr/bin/python3 -B "$lab_folder/udp_encapsulation.py" "$outer" "${names[@]}"; }
    topology_pids+=("$encapsulating_PID")
    read -r -t 60 <&"${encapsulating[0]}" || {
        echo 'topology: no sockets for ESP in UDP' >&2
        return 1
    }
}

# Leaves nothing running.
topology_end() { [[ ${#topology_pids[@]} -eq 0 ]] || kill -KILL "${topology_pids[@]}" 2>/dev/null || true; }

# topology_remove: ends what runs in this prefix's namespaces and removes them.
topology_remove() {
    local name deletions=''
    for name in /run/netns/"$lab_prefix"*; do
        [[ -e $name ]] || continue
        ip netns pids "${name##*/}" | xargs -r kill -KILL 2>/dev/null || true
        deletions+="netns delete ${name##*/}"$'\n'
    done
    ip -batch - <<<"$deletions"
}

_namespace() {
    _said_namespaces+="netns add $lab_prefix$1"$'\n'
    say "$1" 'link set lo up'
}

# _link A DEVICE ADDRESS/LENGTH B DEVICE ADDRESS/LENGTH: a cable between two namespaces.
_link() {
    _said_links+="link add $2 netns $lab_prefix$1 type veth peer name $5 netns $lab_prefix$4"$'\n'
    say "$1" "address add $3 dev $2"
    say "$1" "link set $2 up"
    say "$4" "address add $6 dev $5"
    say "$4" "link set $5 up"
}

# _link_addresses NUMBER: sets near and far, the addresses of the provider-side link NUMBER; near is
# the customer's side.
_link_addresses() {
    if [[ $outer == 4 ]]; then
        near=192.0.2.$(($1 * 4 + 1)) far=192.0.2.$(($1 * 4 + 2))
    else
        near=2001:db8:2:$1::1 far=2001:db8:2:$1::2
    fi
}

# _states NAME [COUNTER]: the pair of SAs, the same at both ends but for the customer's replay window
# and each edge's counter.
_states() {
    [[ -z $ike_keys ]] || return 0
    local mode=tunnel window=$replay_window bound='' counter='' address=$customer_address
    [[ $tunnel != gre-esp ]] || mode=transport
    if [[ $1 == "$customer" ]]; then
        # An xfrm interface uses only SAs with its identifier.
        [[ $tunnel != xfrm ]] || bound="if_id $tunnel_mark"
    else
        window=0 counter="replay-oseq $2" address=$public_address
    fi
    local to_edge="src $address dst $endpoint_address proto esp spi $spi_to_edge"
    local to_customer="src $endpoint_address dst $address proto esp spi $spi_to_customer"
    # IPv4 inside IPv6: otherwise an SA's selector has the outer family and matches nothing.
    local families='' udp=''
    [[ $outer == 4 ]] || families='flag af-unspec'
    [[ -z $encap ]] || udp='encap espinudp 4500 4500 0.0.0.0'
    local common="reqid $tunnel_mark mode $mode $families $udp"
    suite_keys "$suite" "$key_to_edge"
    say "$1" "xfrm state add $to_edge $common $suite_words replay-window 0 $bound"
    suite_keys "$suite" "$key_to_customer"
    say "$1" "xfrm state add $to_customer $common $suite_words replay-window $window $counter $bound"
}

# _policies NAME NEAR FAR NEAR_NETWORK FAR_NETWORK [SELECTOR]: the policies of the end NEAR.
_policies() {
    [[ -z $ike_keys ]] || return 0
    local mode=tunnel selector=${6-} direction
    [[ $tunnel != gre-esp ]] || mode=transport
    local template="proto esp reqid $tunnel_mark mode $mode"
    # A selector that names a protocol belongs before the direction, a mark or an identifier after it.
    local protocol='' bound=''
    if [[ $selector == proto* ]]; then protocol=$selector; else bound=$selector; fi
    say "$1" "xfrm policy add src $4 dst $5 $protocol dir out $bound tmpl src $2 dst $3 $template"
    for direction in in fwd; do
        say "$1" "xfrm policy add src $5 dst $4 $protocol dir $direction $bound tmpl src $3 dst $2 $template"
    done
}

# _end NAME NEAR FAR: tunnel device, policies and the default SAs of one end, without addresses.
_end() {
    local any=0.0.0.0/0 six=''
    [[ $outer == 4 ]] || six=6
    case $tunnel/$1 in
    "xfrm/$customer")
        say "$1" "link add $tunnel_device type xfrm dev wan if_id $tunnel_mark"
        _policies "$1" "$2" "$3" $any $any "if_id $tunnel_mark"
        ;;
    vti/* | xfrm/*)
        # The far end of an xfrm interface is a VTI: on the wire they are the same.
        say "$1" "link add $tunnel_device type vti$six local $2 remote $3 key $tunnel_mark"
        _policies "$1" "$2" "$3" $any $any "mark $tunnel_mark"
        ;;
    gre*/*)
        if [[ -n $six ]]; then
            say "$1" "link add $tunnel_device type ip6gre local $2 remote $3 hoplimit 64 encaplimit none"
        else
            say "$1" "link add $tunnel_device type gre local $2 remote $3 ttl 64"
        fi
        [[ $tunnel != gre-esp ]] ||
            _policies "$1" "$2" "$3" "$2/$host_length" "$3/$host_length" 'proto gre'
        ;;
    "policy/$customer") _policies "$1" "$2" "$3" 10.1.0.0/24 10.2.0.0/24 ;;
    policy/*) _policies "$1" "$2" "$3" 10.2.0.0/24 10.1.0.0/24 ;;
    esac
}

_customer() {
    _end "$customer" "$customer_address" "$endpoint_address"
    [[ $tunnel == gre ]] || _states "$customer"
    if [[ $tunnel == policy ]]; then
        say "$customer" 'link add lan type dummy'
        say "$customer" 'link set lan up'
        say "$customer" 'address add 10.1.0.1/24 dev lan'
    else
        say "$customer" "link set $tunnel_device up"
        say "$customer" "address add 10.252.0.1/31 dev $tunnel_device"
        say "$customer" "route add 10.253.0.0/24 dev $tunnel_device"
    fi
}

_edge() {
    local name=e$1 near far
    _end "$name" "$endpoint_address" "$public_address"
    [[ $tunnel == gre ]] || _states "$name" $(($1 * 1000))
    if [[ $tunnel == policy ]]; then
        _link_addresses $((10 + $1))
        say "$name" 'link add lan type dummy'
        say "$name" 'link set lan up'
        say "$name" 'address add 10.2.0.1/24 dev lan'
        # An error about an inside packet needs a source that the selectors cover.
        say "$name" "route add 10.1.0.0/24 via $near src 10.2.0.1"
    else
        say "$name" "link set $tunnel_device up"
        say "$name" "address add 10.252.0.0/31 dev $tunnel_device"
        say "$name" 'link add beyond type dummy'
        say "$name" 'link set beyond up'
        say "$name" 'address add 10.253.0.254/24 dev beyond'
        say "$name" "route add 10.1.0.0/24 dev $tunnel_device"
    fi
}

# A host behind the appliance. It has two addresses: a public one, with which it reaches the endpoint
# through the appliance, and a private one, whose packets the far end returns through the tunnel.
_observer() {
    prober=obs role=observer kind=unknown wan_device=lan
    inside_source=10.1.0.10 outside_source=203.0.113.66
    _namespace obs
    _link "$customer" lan 10.1.0.1/24 obs lan 10.1.0.10/24
    say "$customer" 'address add 203.0.113.65/26 dev lan'
    say obs 'address add 203.0.113.66/26 dev lan'
    say obs 'route add default via 203.0.113.65'
    say obs 'route add 10.252.0.0/31 via 10.1.0.1 src 10.1.0.10'
    say obs 'route add 10.253.0.0/24 via 10.1.0.1 src 10.1.0.10'
    say "${router_names[0]}" "route add 203.0.113.64/26 via $customer_address"
}
