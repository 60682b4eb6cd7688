/// What a reflector has done with everything that came, since it started.
public struct ReflectorCounts: Hashable, Sendable {
    /// Datagrams that came, whatever they were.
    public var datagrams: UInt64 = 0
    /// Octets of those datagrams, without IP and UDP headers.
    public var datagramOctets: UInt64 = 0
    /// Packets that were sent: datagrams and probes.
    public var sent: UInt64 = 0
    /// Octets of those packets, without IP and UDP headers.
    public var sentOctets: UInt64 = 0
    /// Runs that began.
    public var runs: UInt64 = 0
    /// Probes that were counted for a run.
    public var probes: UInt64 = 0

    /// Datagrams of something else than this protocol.
    public var foreign: UInt64 = 0
    /// Datagrams shorter than a message.
    public var truncated: UInt64 = 0
    /// Datagrams that contradict the format.
    public var malformed: UInt64 = 0
    /// Datagrams of another version of the protocol.
    public var unknownVersions: UInt64 = 0
    /// Datagrams whose tag is wrong: of another key, or damaged.
    public var unauthenticated: UInt64 = 0
    /// Datagrams that had been taken before, or are older than one that was.
    public var replayed: UInt64 = 0
    /// Datagrams whose cookie is wrong or too old.
    public var staleCookies: UInt64 = 0
    /// Datagrams of a run that there is not, or from elsewhere than its agent.
    public var unknownRuns: UInt64 = 0
    /// Datagrams beyond what one source or all together may send.
    public var limited: UInt64 = 0
    /// Runs that were refused for want of room.
    public var refusedRuns: UInt64 = 0
    /// Probes of a run that there is not.
    public var strayProbes: UInt64 = 0
    /// Probes with a wrong tag, or that cannot be.
    public var forgedProbes: UInt64 = 0

    /// Nothing has come yet.
    public init() {}

    /// What was dropped since other counts were taken, in words, the kinds that occurred only.
    public func drops(since other: ReflectorCounts = .init()) -> [(count: UInt64, reason: String)] {
        let kinds: [(KeyPath<ReflectorCounts, UInt64>, String)] = [
            (\.foreign, "of another protocol"), (\.truncated, "too short"),
            (\.malformed, "malformed"), (\.unknownVersions, "of another version"),
            (\.unauthenticated, "not authentic"), (\.replayed, "seen before"),
            (\.staleCookies, "with a wrong or old cookie"), (\.unknownRuns, "of no run"),
            (\.limited, "over the rate limit"), (\.refusedRuns, "runs for want of room"),
            (\.strayProbes, "probes of no run"), (\.forgedProbes, "forged probes"),
        ]
        return kinds.map { (self[keyPath: $0.0] - other[keyPath: $0.0], $0.1) }.filter { $0.0 > 0 }
    }
}
