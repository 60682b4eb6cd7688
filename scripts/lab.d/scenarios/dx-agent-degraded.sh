# The agent may not ask the kernel about SAs: it says so, and blames nobody.
#
# matrix: top=none also=agent-degraded unknown=no-security-association state=healthy exit=0
# kernel: uml qemu
# usual: no
# timeout: 150

set_up() { topology --edges 1; }
before() { agent_under=(setpriv --bounding-set -net_admin); }
check() { diagnose; }
