# Echo Replies come as far as Echo Requests do: four routers, nothing in the way.
#
# expect: healthy/0
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --routers 4; }

check() {
    path_now
    ladder_witness
    facts_open 4
    facts now <<-END
		reply_path.inside.verdict = open
		reply_path.inside.last_hop_reply = 1
	END
}
