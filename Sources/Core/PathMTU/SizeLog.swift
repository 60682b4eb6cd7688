import NetworkPrimitives

/// Every probe of a search and what became of it.
///
/// All that a search believes is derived from here each time, so a late answer corrects it.
struct SizeLog: Sendable {
    enum Outcome: Hashable, Sendable {
        /// Not handed out yet.
        case queued
        /// On its way.
        case pending
        /// Not answered in time, or refused by a router or the target for reasons other than size.
        case silent
        /// The target answered.
        case echo
        /// The router at its hop limit answered.
        case timeExceeded(router: IPAddress)
        /// Never left this host.
        case failed
    }

    struct Refusal: Hashable, Sendable {
        var router: IPAddress
        /// What fits, by that router; 0 where it does not say.
        var mtu: Int
    }

    struct Entry: Sendable {
        var byteCount: Int
        var hopLimit: UInt8?
        /// When it may leave at the earliest.
        var due: MonotonicInstant
        var sentAt: MonotonicInstant?
        var outcome = Outcome.queued
        /// A Packet Too Big that may be believed; the target's answer still overrules it.
        var refusal: Refusal?

        /// Whether the outcome is open, and no refusal lets the search go on without it.
        var isAwaited: Bool {
            (outcome == .queued || outcome == .pending) && refusal == nil
        }
        /// Whether it was sent and nothing says that it passed.
        var isUnanswered: Bool { outcome == .silent || refusal != nil }
        var responder: IPAddress? {
            if case .timeExceeded(let router) = outcome { return router }
            return nil
        }
    }

    /// By probe number.
    private(set) var entries: [Entry] = []
    /// Where the evidence that still counts begins; moved when the path has changed.
    private(set) var start = 0
    /// The longest round trip of an echo in this search; nil before the first.
    private(set) var roundTrip: Duration?
    /// Packet Too Big messages that contradict what was sent or seen.
    private(set) var suspiciousMessages: UInt64 = 0
    /// Who refused a probe for reasons other than size, last.
    private(set) var refuser: (router: IPAddress, isFiltered: Bool)?

    let isUrgent: Bool
    /// The least MTU that a Packet Too Big may name.
    let leastMTU: Int
    /// Whether a Packet Too Big may leave the MTU open (routers older than RFC 1191).
    let allowsUnnamedMTU: Bool

    init(family: IPAddress.Family, isUrgent: Bool) {
        self.isUrgent = isUrgent
        // RFC 8200 §5 and RFC 8201 §4: an IPv6 node never goes below 1280. For IPv4 below 552, the
        // least that Linux believes (`min_pmtu`), it is far more likely an attack.
        leastMTU = family == .v4 ? 552 : 1280
        allowsUnnamedMTU = family == .v4
    }

    var count: Int { entries.count }
    /// The entries that count.
    var current: ArraySlice<Entry> { entries[start...] }

    /// When silence about a probe means something, from its departure.
    func patience(for entry: Entry) -> Duration {
        if entry.hopLimit != nil { return Self.roundLimit }
        guard let roundTrip else { return Self.roundLimit }
        let patience =
            isUrgent
            ? max(.milliseconds(200), roundTrip * 4) : max(.seconds(1), roundTrip * 3)
        return min(patience, .seconds(3))
    }

    /// A first guess, and what a router may take that answers at leisure.
    static let roundLimit = Duration.seconds(1)

    mutating func append(_ entry: Entry) { entries.append(entry) }

    mutating func forgetEvidence() { start = entries.count }

    mutating func depart(_ index: Int, at instant: MonotonicInstant) {
        entries[index].outcome = .pending
        entries[index].sentAt = instant
    }

    mutating func noteDeparture(of number: UInt64, at instant: MonotonicInstant) {
        guard let index = index(of: number), entries[index].outcome == .pending else { return }
        entries[index].sentAt = instant
    }

    /// Marks a probe that stayed here; false when there is none that was handed out.
    mutating func fail(_ number: UInt64) -> Int? {
        guard let index = index(of: number), entries[index].outcome == .pending else { return nil }
        entries[index].outcome = .failed
        return index
    }

    /// Gives up what has not left yet.
    mutating func dropQueued() {
        for index in start..<entries.count where entries[index].outcome == .queued {
            entries[index].outcome = .failed
        }
    }

    /// Decides about silence at `now`; true when it did.
    mutating func expire(at now: MonotonicInstant) -> Bool {
        var hasExpired = false
        for index in start..<entries.count where entries[index].outcome == .pending {
            guard let sentAt = entries[index].sentAt,
                now >= sentAt + patience(for: entries[index])
            else { continue }
            entries[index].outcome = .silent
            hasExpired = true
        }
        return hasExpired
    }

    /// When the next probe's silence is decided.
    var nextExpiry: MonotonicInstant? {
        var next: MonotonicInstant?
        for entry in current where entry.outcome == .pending {
            guard let sentAt = entry.sentAt else { continue }
            let expiry = sentAt + patience(for: entry)
            next = min(next ?? expiry, expiry)
        }
        return next
    }

    /// Enters an answer.
    mutating func receive(_ answer: SizeAnswer, to number: UInt64, at instant: MonotonicInstant) {
        let claimsSize = if case .packetTooBig = answer { true } else { false }
        guard let index = index(of: number), let sentAt = entries[index].sentAt, instant >= sentAt,
            entries[index].outcome != .failed
        else {
            suspiciousMessages += claimsSize ? 1 : 0
            return
        }
        let entry = entries[index]
        switch answer {
        case .echo:
            guard entry.outcome != .echo else { return }
            entries[index].outcome = .echo
            if entry.refusal != nil {
                suspiciousMessages += 1
                entries[index].refusal = nil
            }
            roundTrip = max(roundTrip ?? .zero, instant - sentAt)
            disbelieve(below: entry.byteCount)
        case .timeExceeded(let router):
            guard entry.outcome == .pending || entry.outcome == .silent else { return }
            guard entry.hopLimit != nil else {
                // The system's own hop limit is enough for any path without a loop.
                entries[index].outcome = .silent
                refuser = (router, false)
                return
            }
            entries[index].outcome = .timeExceeded(router: router)
            if entry.refusal != nil {
                suspiciousMessages += 1
                entries[index].refusal = nil
            }
        case .packetTooBig(let router, let mtu):
            let refusal = Refusal(router: router, mtu: mtu)
            guard entry.refusal != refusal else { return }
            guard entry.refusal == nil, entry.outcome == .pending || entry.outcome == .silent,
                isCredible(mtu: mtu, for: entry)
            else {
                suspiciousMessages += 1
                return
            }
            entries[index].refusal = refusal
        case .unreachable(let router, let isFiltered):
            guard entry.outcome == .pending else { return }
            entries[index].outcome = .silent
            refuser = (router, isFiltered)
        }
    }

    /// Whether a router can mean it: less than was sent, no less than any path has, and no less than
    /// what passed as far as this probe was to go.
    private func isCredible(mtu: Int, for entry: Entry) -> Bool {
        if mtu == 0 { return allowsUnnamedMTU }
        guard mtu < entry.byteCount, mtu >= leastMTU else { return false }
        return !current.contains { other in
            guard other.byteCount > mtu else { return false }
            switch other.outcome {
            case .echo: return true
            case .timeExceeded:
                guard let reach = entry.hopLimit, let proven = other.hopLimit else { return false }
                return proven >= reach
            default: return false
            }
        }
    }

    /// Takes back what contradicts that `byteCount` octets pass the whole path.
    private mutating func disbelieve(below byteCount: Int) {
        for index in start..<entries.count {
            guard let mtu = entries[index].refusal?.mtu, mtu > 0, mtu < byteCount else { continue }
            entries[index].refusal = nil
            suspiciousMessages += 1
        }
    }

    private func index(of number: UInt64) -> Int? {
        number < UInt64(entries.count) ? Int(number) : nil
    }
}
