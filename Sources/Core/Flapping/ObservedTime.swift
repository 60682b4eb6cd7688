import NetworkPrimitives

/// The times in which a tunnel was watched, as if they followed each other without a gap.
///
/// In a gap neither an episode nor anything else is seen. Counted as time it would make all that is seen
/// look close together.
struct ObservedTime: Sendable {
    struct Span: Equatable, Sendable {
        var start: MonotonicInstant
        var end: MonotonicInstant
    }

    static let limit = 512
    private(set) var spans: [Span] = []

    /// Begins or prolongs a stretch of watching; one that meets another becomes one with it.
    mutating func note(from start: MonotonicInstant, to end: MonotonicInstant) {
        var span = Span(start: start, end: max(start, end))
        spans.removeAll { other in
            guard other.start <= span.end, span.start <= other.end else { return false }
            span = Span(start: min(span.start, other.start), end: max(span.end, other.end))
            return true
        }
        let place = spans.firstIndex { $0.start > span.start } ?? spans.count
        spans.insert(span, at: place)
        if spans.count > Self.limit { spans.removeFirst() }
    }

    /// Prolongs the last stretch.
    mutating func advance(to now: MonotonicInstant) {
        guard let last = spans.indices.last, now > spans[last].end else { return }
        spans[last].end = now
    }

    /// Only what lies after an instant.
    func since(_ instant: MonotonicInstant) -> ObservedTime {
        var cut = self
        cut.spans = spans.compactMap { span in
            span.end <= instant ? nil : Span(start: max(span.start, instant), end: span.end)
        }
        return cut
    }

    /// The length of all stretches, in seconds.
    var length: Double { spans.reduce(0) { $0 + ($1.end - $1.start).seconds } }

    /// From the first moment to the last, in seconds.
    var span: Double {
        guard let first = spans.first, let last = spans.last else { return 0 }
        return (last.end - first.start).seconds
    }

    /// Whether it was watched then.
    func contains(_ instant: MonotonicInstant) -> Bool {
        spans.contains { $0.start <= instant && instant <= $0.end }
    }

    /// Where an instant lies, in seconds from the first moment, gaps left out; in a gap, its end.
    func position(of instant: MonotonicInstant) -> Double {
        var sum = 0.0
        for span in spans {
            guard instant > span.end else { return sum + max(0, (instant - span.start).seconds) }
            sum += (span.end - span.start).seconds
        }
        return sum
    }
}
