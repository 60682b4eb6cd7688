# One packet in ten from the edges is lost: firmly degraded in the daemon after a minute.
#
# Two probes a second: with one, chance alone would lose fewer than two of sixty, which is healthy, in
# one run of seventy.
#
# expect: degraded/1
# kernel: uml qemu
# timeout: 360

set_up() { topology; }

check() {
    write_configuration 'interval = "500ms"'
    capture_paths
    from_edges loss 10%
    agent_start
    agent_wait 60
    agent_status status
    agent_stop
    captures_end
    judge_all status
}
