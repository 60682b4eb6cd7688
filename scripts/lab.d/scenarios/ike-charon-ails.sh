# charon restarts, hangs, and is not where it was said to be: each is a reason, and the agent lives.
#
# kernel: uml qemu
# timeout: 300

set_up() { topology --edges 1 --ike; }

check() {
    ike_defaults
    ike_start
    ike_up
    ike_agent
    warm_up
    agent_wait 4
    agent_status up
    # Hung: it neither answers nor closes.
    kill -STOP "${ike_pid[c]}"
    agent_now hung
    kill -CONT "${ike_pid[c]}"
    # Crashed: the socket's file is still there, and refuses.
    kill -KILL "${ike_pid[c]}"
    sleep 2
    agent_status gone
    # Back.
    ike_daemon c
    ike_ready c
    ike_load c
    ike_up
    ike_wait_for_daemon back
    agent_stop
    captures_end
    ike_configuration
    sed -i "s!^vici_socket = .*!vici_socket = \"$work/nowhere.vici\"!" "$work/agent.conf"
    probe_now nowhere
    probe_status=0
    facts up <<-END
		ike.daemon.available = true
		ike.failure = null
	END
    facts hung <<-END
		ike.daemon.available = false
		ike.daemon.reason matches .
	END
    facts gone <<-END
		ike.daemon.available = false
		ike.daemon.reason matches .
	END
    facts back <<-END
		ike.daemon.available = true
	END
    facts nowhere <<-END
		ike.daemon.available = false
		ike.daemon.reason matches nowhere.vici
	END
}
