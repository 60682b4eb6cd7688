public import NetworkPrimitives

/// Searches the largest packet that a path carries.
public struct PathMTUSearch: Sendable {
    /// What a search looks for, and how much it may spend.
    public struct Settings: Hashable, Sendable {
        /// The family of the path.
        public var family: IPAddress.Family
        /// The largest IP packet to try, in octets: the MTU of the device that it leaves by.
        public var ceiling: Int
        /// Whether somebody waits: sizes go out in parallel rounds, and silence is decided after
        /// max(200 ms, 4·RTT) in place of max(1 s, 3·RTT).
        public var isUrgent: Bool
        /// Whether hop-limited probes may name the limiting link, or stand in for a target that
        /// answers no Echo Request.
        public var maySweep: Bool
        /// The greatest hop limit of such probes, 1...30.
        public var farthestHop: UInt8
        /// Time after which the search gives what it has, with the reason "time limit"; nil for as
        /// long as it takes.
        public var timeLimit: Duration?

        /// Makes settings.
        public init(
            family: IPAddress.Family, ceiling: Int, isUrgent: Bool = false, maySweep: Bool = true,
            farthestHop: UInt8 = 12, timeLimit: Duration? = nil
        ) {
            self.family = family
            self.ceiling = ceiling
            self.isUrgent = isUrgent
            self.maySweep = maySweep
            self.farthestHop = farthestHop
            self.timeLimit = timeLimit
        }
    }

    /// What is known so far; its reason is "in progress" until the search is finished.
    public private(set) var report: PathMTUReport
    /// Whether there is nothing more to send or to wait for.
    public private(set) var isFinished = false

    /// Starts a search; the first packets are due at once.
    public init(settings: Settings, start: MonotonicInstant) {
        report = PathMTUReport(unknown: "in progress")
        deadline = start
    }

    /// When to call `advance` next at the latest; nil when finished.
    public private(set) var deadline: MonotonicInstant?

    /// Does everything that is due at `now`.
    ///
    /// - Parameters:
    ///   - now: the current instant, not earlier than in any call before.
    ///   - pace: asked for every hop-limited probe with its hop: nil lets it leave now and counts it,
    ///     an instant says when to ask again.
    ///   - actions: where to append the probes to send, in this order.
    public mutating func advance(
        to now: MonotonicInstant, pace: (UInt8, MonotonicInstant) -> MonotonicInstant?,
        into actions: inout [SizeProbe]
    ) {}

    /// Notes that a probe went to the kernel at `instant`, the moment before the call.
    public mutating func sent(_ number: UInt64, at instant: MonotonicInstant) {}

    /// Notes that this host did not send a probe, which says nothing about the path.
    ///
    /// - Parameters:
    ///   - number: which one.
    ///   - mtu: for EMSGSIZE the limit that the kernel names, 0 where it names none; nil for any
    ///     other failure.
    ///   - instant: when.
    public mutating func failedToSend(
        _ number: UInt64, tooLargeFor mtu: Int?, at instant: MonotonicInstant
    ) {}

    /// Takes what came back for a probe; of several answers to one probe each may be given.
    public mutating func receive(
        _ answer: SizeAnswer, to number: UInt64, at instant: MonotonicInstant
    ) {}

    /// Ends the search with what it has.
    public mutating func stop(because reason: String, at instant: MonotonicInstant) {}
}
