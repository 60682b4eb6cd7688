# Router 2 loses ESP packets over 1300 bytes and nothing else.
#
# matrix: top=pmtu-black-hole state=healthy exit=0 watch=40
# kernel: uml
# usual: no
# timeout: 150

set_up() { topology --edges 1 --routers 3; }
before() { on r2 iptables-legacy -w -A FORWARD -p esp -m length --length 1301: -j DROP; }
check() { diagnose; }
