# AES-CBC with HMAC-SHA2-256 over a link of 1400 bytes: padding to 16.
#
# expect: healthy/0
# kernel: uml qemu
# usual: no
# timeout: 240

set_up() { topology --edges 1 --routers 3 --suite cbc-sha256; }

check() {
    link_mtu 2 1400
    path_now
    size_witness outside 1400
    size_witness inside 1326
    facts_size 1400 1326
    facts now <<-END
		path_mtu.recommended_mtu_bytes = 1326
		path_mtu.recommended_mss_bytes = 1286
	END
}
