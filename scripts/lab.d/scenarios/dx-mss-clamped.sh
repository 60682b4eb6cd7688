# The same with the MSS clamped: nothing to say.
#
# matrix: top=none state=healthy exit=0 never=mss-not-clamped watch=35
# kernel: uml
# usual: no
# timeout: 150

diagnosed_mtu=1346

set_up() {
    topology --edges 1 --routers 3
    lan_host
}

before() {
    link_mtu 2 1400
    on c iptables-legacy -w -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -o ipsec0 -j TCPMSS --set-mss 1306
    background h bash -c 'while :; do timeout 0.5 bash -c "exec 3<>/dev/tcp/10.253.0.66/8001"; sleep 0.3; done'
}

check() { diagnose; }
