/// Stretches of time in seconds, without overlap, in order: where an episode counts as a hit.
struct TimeWindows: Equatable {
    private(set) var bounds: [ClosedRange<Double>] = []

    /// The windows from `lead` before each occurrence's beginning to `tail` after its end; the occurrences are
    /// in order of their beginnings.
    init(around occurrences: [ClosedRange<Double>], lead: Double, tail: Double) {
        for occurrence in occurrences {
            add(occurrence.lowerBound - lead, occurrence.upperBound + tail)
        }
    }

    /// The windows that end `lead` before each occurrence's beginning, and begin `before` before it.
    init(before occurrences: [ClosedRange<Double>], from before: Double, until lead: Double) {
        // What lies exactly at the lead belongs to the window after it.
        for occurrence in occurrences {
            add(occurrence.lowerBound - before, occurrence.lowerBound - lead - 1e-4)
        }
    }

    private mutating func add(_ lower: Double, _ upper: Double) {
        guard upper >= lower else { return }
        if let last = bounds.last, lower <= last.upperBound {
            bounds[bounds.count - 1] = last.lowerBound...max(last.upperBound, upper)
        } else {
            bounds.append(lower...upper)
        }
    }

    /// The share of `start` to `end` that lies in them.
    func coveredShare(from start: Double, to end: Double) -> Double {
        guard end > start else { return 0 }
        var covered = 0.0
        for bound in bounds {
            covered += max(0, min(end, bound.upperBound) - max(start, bound.lowerBound))
        }
        return covered / (end - start)
    }

    /// How many of these times lie in them; the times are in order.
    func hits(_ times: [Double]) -> Int { hits(times, in: times.indices, shiftedBy: 0) }

    /// How many of some of these times lie in them, each so much later.
    ///
    /// Concrete on purpose: over lazy sequences this costs twenty times as much.
    func hits(_ times: [Double], in range: Range<Int>, shiftedBy shift: Double) -> Int {
        var count = 0
        var place = 0
        for index in range {
            let time = times[index] + shift
            place = firstEnding(at: time, from: place)
            guard place < bounds.count else { break }
            if bounds[place].lowerBound <= time { count += 1 }
        }
        return count
    }

    /// The first window from `place` on that does not end before a time: looked for in leaps that double, since
    /// windows may be many and times few, or the other way round.
    private func firstEnding(at time: Double, from place: Int) -> Int {
        var (low, leap) = (place, 1)
        while low < bounds.count, bounds[low].upperBound < time {
            var high = min(low + leap, bounds.count)
            if high < bounds.count, bounds[high].upperBound < time {
                low = high
                leap *= 2
                continue
            }
            // Ends before it: low; does not: high.
            while high - low > 1 {
                let middle = (low + high) / 2
                if bounds[middle].upperBound < time { low = middle } else { high = middle }
            }
            return high
        }
        return low
    }
}
