# Three packets in ten from the edges are lost: after a minute the daemon never calls it healthy.
#
# expect: degraded|down/1|2
# kernel: uml qemu
# timeout: 360

set_up() { topology; }

check() {
    local look expected
    expected=$(catalogue_field "$lab_scenario" expect -)
    write_configuration
    capture_paths
    from_edges loss 30%
    agent_start
    for look in 60 64 68 72; do
        agent_wait "$look"
        agent_status "status-$look"
        judge "status-$look" --expect "$expected"
    done
    agent_stop
    captures_end
    judge_all status-72
}
