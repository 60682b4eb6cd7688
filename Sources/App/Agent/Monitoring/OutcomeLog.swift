import EchoProbing
import NetworkPrimitives

/// What became of the latest probes of one path, in the order they were sent.
///
/// *Bound.* Sixteen octets a probe, at most twice the capacity.
struct OutcomeLog: Sendable {
    /// One decided probe, or one that could not be sent.
    struct Entry: Hashable, Sendable {
        /// When it was sent, or should have been.
        var sentAt: MonotonicInstant
        /// What became of it.
        var result: ProbeOutcome.Result
    }

    /// As long as outcomes are kept in an agent.
    static let span = Duration.seconds(300)
    /// The most that are kept, however short the interval.
    private static let most = 1200.0

    /// In the order they were sent.
    private(set) var entries: ContiguousArray<Entry> = []
    private let capacity: Int

    /// Makes an empty log for probes so far apart.
    init(interval: Duration) {
        capacity = Int(min(max(Self.span / max(interval, .milliseconds(1)), 32), Self.most))
    }

    /// Takes an outcome; lost ones are decided later than answered ones that were sent after them.
    mutating func note(_ outcome: ProbeOutcome) {
        guard outcome.result != .inconclusive else { return }
        if entries.count >= capacity * 2 { entries.removeFirst(capacity) }
        var place = entries.count
        while place > 0, entries[place - 1].sentAt > outcome.sentAt { place -= 1 }
        entries.insert(Entry(sentAt: outcome.sentAt, result: outcome.result), at: place)
    }

    /// The probes that were sent and decided since an instant, at most as many as the capacity.
    func tally(since start: MonotonicInstant) -> (sent: UInt64, received: UInt64) {
        var (sent, received): (UInt64, UInt64) = (0, 0)
        for entry in entries.reversed() {
            guard entry.sentAt >= start, sent < capacity else { break }
            guard entry.result != .unsent else { continue }
            sent += 1
            if entry.result == .received { received += 1 }
        }
        return (sent, received)
    }

    /// How many of the latest had one outcome without exception: answered, or not.
    func run(answered: Bool) -> Int {
        var count = 0
        for entry in entries.reversed() where entry.result != .unsent {
            guard (entry.result == .received) == answered else { break }
            count += 1
        }
        return count
    }

    /// How many of the probes since an instant were refused by ICMP errors.
    func refused(since start: MonotonicInstant) -> UInt64 {
        var count: UInt64 = 0
        for entry in entries.reversed() {
            guard entry.sentAt >= start else { break }
            if entry.result == .refused { count += 1 }
        }
        return count
    }
}

/// What rules want to know of one path's probes.
struct ProbeRecord: Sendable {
    /// The outcomes of these probes.
    var outcomes: OutcomeLog
    /// Those of the agent that watches the same tunnel continuously; nil without one.
    var watched: OutcomeLog?
    /// Whether the target ever answered any of both.
    var hasEverAnswered: Bool
    /// Why the last probe could not be sent; nil where it was.
    var sendFailure: String?
    /// Whether all outcomes count as recent: those of an examination.
    var isExamination: Bool
}
