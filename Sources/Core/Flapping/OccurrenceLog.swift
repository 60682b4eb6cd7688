import NetworkPrimitives

/// When something happened, in order, as far back as there is room.
///
/// *Bound.* 24 octets an occurrence, as many as the capacity.
struct OccurrenceLog: Sendable {
    /// One occurrence: a moment, or a stretch of time.
    struct Occurrence: Equatable, Sendable {
        var start: MonotonicInstant
        var end: MonotonicInstant
        /// How often it happened in that time.
        var count = 1
    }

    private(set) var entries: [Occurrence] = []
    /// Before it not everything is known.
    private(set) var knownSince = MonotonicInstant(nanoseconds: .min)
    private let capacity: Int

    init(capacity: Int) {
        precondition(capacity > 0, "room for one occurrence at least")
        self.capacity = capacity
    }

    /// Notes an occurrence; they may come in any order, and the same one again.
    mutating func note(from start: MonotonicInstant, to end: MonotonicInstant) {
        let occurrence = Occurrence(start: start, end: max(start, end))
        let place = entries.lastIndex { $0.start <= start }.map { $0 + 1 } ?? 0
        if place > 0, entries[place - 1] == occurrence { return }
        entries.insert(occurrence, at: place)
        guard entries.count > capacity else { return }
        let surplus = entries.count - capacity + capacity / 16
        knownSince = max(knownSince, entries[surplus - 1].end)
        entries.removeFirst(surplus)
    }

    /// Notes that it happened again: one occurrence with the last if that ended less than `gap` ago.
    mutating func noteAgain(at instant: MonotonicInstant, gap: Duration) {
        guard let last = entries.indices.last, instant >= entries[last].start,
            instant - entries[last].end < gap
        else { return note(from: instant, to: instant) }
        entries[last].end = max(entries[last].end, instant)
        entries[last].count += 1
    }

    /// Forgets what ended before an instant.
    mutating func forget(before instant: MonotonicInstant) {
        guard let first = entries.first, first.end < instant else { return }
        entries.removeAll { $0.end < instant }
    }

    /// Forgets what ended before an instant, and that nothing else happened before it.
    mutating func forgetKnowledge(before instant: MonotonicInstant) {
        forget(before: instant)
        knownSince = max(knownSince, instant)
    }

    /// What began from `start` through `end`.
    func entries(from start: MonotonicInstant, through end: MonotonicInstant) -> [Occurrence] {
        entries.filter { $0.start >= start && $0.start <= end }
    }
}
