public import NetworkPrimitives

/// The latest probes of a tunnel and whether they were lost, for counts over past times.
///
/// *Bound.* Eight octets a probe, as many as the capacity.
public struct ProbeLog: Sendable {
    /// Send times in nanoseconds, doubled; odd for a lost probe.
    private var entries: ContiguousArray<Int64> = []
    private var oldest = 0
    private let capacity: Int
    /// The latest send time that was overwritten: before it nothing is known.
    private var forgottenUntil = MonotonicInstant(nanoseconds: .min)

    /// Makes an empty log of up to `capacity` probes, at least one.
    public init(capacity: Int) {
        precondition(capacity > 0, "room for one probe at least")
        self.capacity = capacity
    }

    /// Notes a decided probe; the order does not matter much, probes are decided as they are answered.
    public mutating func note(sentAt: MonotonicInstant, isLost: Bool) {
        let entry = sentAt.nanoseconds &<< 1 | (isLost ? 1 : 0)
        guard entries.count == capacity else { return entries.append(entry) }
        forgottenUntil = max(
            forgottenUntil, MonotonicInstant(nanoseconds: entries[oldest] >> 1))
        entries[oldest] = entry
        oldest = oldest + 1 == capacity ? 0 : oldest + 1
    }

    /// What became of the probes sent from `start` through `end`; nil when the log does not reach back so far.
    public func counts(
        from start: MonotonicInstant, through end: MonotonicInstant
    ) -> RekeyRecord.Probes? {
        guard start > forgottenUntil else { return nil }
        var counts = RekeyRecord.Probes(sent: 0, lost: 0)
        for entry in entries {
            let sentAt = MonotonicInstant(nanoseconds: entry >> 1)
            guard sentAt >= start, sentAt <= end else { continue }
            counts.sent += 1
            if entry & 1 == 1 { counts.lost += 1 }
        }
        return counts
    }
}
