import Glibc

/// Lets a thread run as soon as its time has come, however busy the host is.
public enum RealTimeScheduling {
    /// SCHED_RESET_ON_FORK, which sched.h shows to GNU programs only.
    private static let resetOnFork: CInt = 0x4000_0000

    /// Puts the calling thread before all that are not real-time: SCHED_RR at the lowest priority.
    ///
    /// For a thread that sleeps most of the time; one that never sleeps would starve others, which
    /// the kernel bounds to 95 % of a CPU (sched(7), `sched_rt_runtime_us`). Threads that it starts
    /// are scheduled as usual.
    ///
    /// - Throws: `SocketError` without CAP_SYS_NICE, unless the resource limit RLIMIT_RTPRIO is 1 or
    ///   more, and where a sandbox forbids the call.
    public static func enter() throws(SocketError) {
        var parameters = sched_param()
        parameters.sched_priority = 1
        let outcome = systemCall {
            // sched_setscheduler(2): 0 is the calling thread.
            unsafe sched_setscheduler(0, SCHED_RR | resetOnFork, &parameters)
        }
        if case .failure(let code) = outcome {
            throw SocketError(
                code, operation: "sched_setscheduler(SCHED_RR)", object: "real-time thread",
                capability: "CAP_SYS_NICE")
        }
    }
}
