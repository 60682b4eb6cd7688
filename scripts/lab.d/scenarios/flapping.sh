# The tunnel dies and comes back four times within a minute: flapping.
#
# expect: degraded|down/1|2
# kernel: uml qemu
# usual: no
# timeout: 360

set_up() { topology; }

check() {
    local turn
    write_configuration
    capture_paths
    agent_start
    agent_wait 8
    for turn in 1 2 3 4; do
        tunnel_dead
        sleep 6
        tunnel_alive
        sleep 7
    done
    agent_status status
    agent_stop
    captures_end
    judge_all status --flapping --answered outside
}
