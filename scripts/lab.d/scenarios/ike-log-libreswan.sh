# libreswan has no vici: its log file tells why it failed, as that of charon does.
#
# expect: down/2
# kernel: uml qemu
# timeout: 240

set_up() { topology --edges 1 --ike; }

# pluto LINE…: what libreswan 4 writes to its log file.
pluto() { printf '%s: "lab" #1: %s\n' "$(date '+%b %e %T.%6N')" "$@" >>"$work/pluto.log"; }

check() {
    ike_defaults
    # The peer is real, for the active look.
    ike_start e1
    : >"$work/pluto.log"
    agent_lines=("charon_log = \"$work/pluto.log\"")
    write_configuration
    capture c wan wan.pcap
    agent_start
    pluto 'initiating IKEv2 connection'
    pluto "sent IKE_SA_INIT request to $endpoint_address:UDP/500"
    pluto "processed IKE_SA_INIT response from $endpoint_address:UDP/500 {cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_256 group=MODP2048}, initiating IKE_AUTH"
    pluto "sent IKE_AUTH request to $endpoint_address:UDP/500"
    pluto 'IKE SA authentication request rejected by peer: AUTHENTICATION_FAILED'
    pluto 'encountered fatal error in state STATE_V2_PARENT_I2'
    sleep 1
    agent_now now
    agent_stop
    captures_end
    facts_all now <<-END
		ike.failure = authentication
		ike.udp_500 = open
		kernel.sas = []
	END
}
