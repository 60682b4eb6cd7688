# Nothing is broken: four senders share the SA, and no replay window minds.
#
# matrix: top=none state=healthy exit=0 never=anti-replay-enabled,anti-replay-drops watch=15
# kernel: uml qemu
# timeout: 150

set_up() { topology --edges 4; }

before() { edges_send 20; }

proof() {
    facts now <<-END
		streams[direction=inbound].senders.at_least >= 2
		END
}

check() { diagnose; }
