import NetworkPrimitives

/// Counts the probes of one origin as they arrive: each index once, copies apart.
struct ArrivalCount: Sendable {
    /// What arrived so far.
    private(set) var arrivals = Receipt.Arrivals()
    private var seen = IndexSet()

    /// Counts a probe that arrived `age` after the run began.
    ///
    /// - Precondition: `index` is below `IndexSet.limit`.
    mutating func take(_ index: Int, hopLimit: UInt8?, age: Duration) {
        switch seen.insert(index) {
        case .again:
            arrivals.duplicates &+= 1
            return
        case .firstBehindLater: arrivals.reordered &+= 1
        case .first: break
        }
        arrivals.received &+= 1
        // The highest number means "never".
        let microseconds = UInt32(clamping: age.nanoseconds / 1000)
        arrivals.firstMicroseconds = arrivals.firstMicroseconds ?? min(microseconds, .max - 1)
        arrivals.lastMicroseconds = min(microseconds, .max - 1)
        if let hopLimit, hopLimit > 0 {
            let known = arrivals.hopLimits ?? hopLimit...hopLimit
            arrivals.hopLimits =
                min(known.lowerBound, hopLimit)...max(known.upperBound, hopLimit)
        }
    }
}

/// A set of the indices that probes can have.
struct IndexSet: Sendable {
    /// Indices are below this.
    static let limit = 256

    private var words: SIMD4<UInt64> = .zero
    private var highest = -1

    /// What an index is to those before it.
    enum Insertion { case first, firstBehindLater, again }

    /// Marks an index as seen.
    ///
    /// - Precondition: `index` is in `0..<limit`.
    mutating func insert(_ index: Int) -> Insertion {
        precondition((0..<Self.limit).contains(index), "an index without a place")
        let bit = UInt64(1) << UInt64(index % 64)
        guard words[index / 64] & bit == 0 else { return .again }
        words[index / 64] |= bit
        defer { highest = max(highest, index) }
        return index < highest ? .firstBehindLater : .first
    }
}
