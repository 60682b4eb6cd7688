import NetworkPrimitives

/// A token bucket, kept as the time at which it would be full again.
struct RateLimit: Sendable {
    /// The time that one token takes to come.
    let interval: Duration
    /// Tokens that a full bucket holds.
    let burst: Int

    private var fullAt = MonotonicInstant.zero

    /// A full bucket.
    ///
    /// - Precondition: `perSecond` and `burst` are positive.
    init(perSecond: Int, burst: Int) {
        precondition(perSecond > 0 && burst > 0, "a bucket that nothing comes out of")
        interval = .nanoseconds(1_000_000_000 / perSecond)
        self.burst = burst
    }

    /// Takes a token; false when there is none.
    mutating func take(at now: MonotonicInstant) -> Bool {
        let next = max(fullAt, now) + interval
        guard next - now <= interval * burst else { return false }
        fullAt = next
        return true
    }
}

/// A token bucket for each source, in a table whose size no source can change.
///
/// A source's bucket is found by a keyed hash, so nobody can choose whom he shares one with. An IPv6
/// source is its network of 64 bits: whoever has one address there has them all.
struct SourceLimits: Sendable {
    private var buckets: [RateLimit]
    private let key: (UInt64, UInt64)

    /// Full buckets.
    ///
    /// - Parameters:
    ///   - count: how many there are, a power of two.
    ///   - perSecond: tokens that each gets.
    ///   - burst: tokens that each holds.
    ///   - key: random.
    init(count: Int, perSecond: Int, burst: Int, key: (UInt64, UInt64)) {
        precondition(count > 0 && count & (count - 1) == 0, "\(count) is no power of two")
        buckets = Array(repeating: RateLimit(perSecond: perSecond, burst: burst), count: count)
        self.key = key
    }

    /// Takes a token of a source's bucket; false when there is none.
    mutating func take(of source: IPAddress, at now: MonotonicInstant) -> Bool {
        buckets[Int(hash(source) & UInt64(buckets.count - 1))].take(at: now)
    }

    private func hash(_ source: IPAddress) -> UInt64 {
        let network: UInt64
        switch source {
        case .v4(let bits): network = UInt64(bits) | 1 << 63
        case .v6(let bits): network = UInt64(truncatingIfNeeded: bits >> 64)
        }
        // Two rounds of multiply and fold, each with a key of its own: all bits reach all bits.
        let first = (network ^ key.0).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        let second = (first.high ^ first.low ^ key.1).multipliedFullWidth(by: 0xbf58_476d_1ce4_e5b9)
        return second.high ^ second.low
    }
}
