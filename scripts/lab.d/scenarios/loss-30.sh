# Three packets in ten from the edges are lost: after a minute the daemon never calls it healthy.
#
# expect: degraded|down/1|2
# kernel: uml qemu
# timeout: 240

set_up() { topology; }

check() {
    local look
    write_configuration
    capture_paths
    from_edges loss 30%
    agent_start
    for look in 60 64 68 72; do
        agent_wait "$look"
        agent_status "status-$look"
        grep -q '"state" *: *"healthy"' "$work/status-$look.json" && {
            echo "FAIL healthy after $look s at 30 % loss"
            return 1
        }
    done
    agent_stop
    captures_end
    judge_all status-72
}
