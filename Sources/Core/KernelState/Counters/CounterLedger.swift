/// Counters that go on where the kernel's begin anew: a namespace that is made again starts at 0.
public struct CounterLedger: Equatable, Sendable {
    private struct Entry: Equatable, Sendable {
        /// What the kernel said last.
        var latest: UInt64
        /// What was counted before it began anew.
        var earlier: UInt64 = 0
    }

    private var entries: [String: Entry] = [:]

    /// Makes a ledger without counters.
    public init() {}

    /// Makes a ledger with counters that exist at 0 before the kernel is asked.
    public init(names: [String]) {
        for name in names { entries[name] = Entry(latest: 0) }
    }

    /// Takes in what the kernel says now; names beyond `NamedCounters.nameLimit` are dropped.
    public mutating func note(_ counters: NamedCounters) {
        for counter in counters.counters {
            guard var entry = entries[counter.name] else {
                if entries.count < NamedCounters.nameLimit {
                    entries[counter.name] = Entry(latest: counter.value)
                }
                continue
            }
            if counter.value < entry.latest { entry.earlier &+= entry.latest }
            entry.latest = counter.value
            entries[counter.name] = entry
        }
    }

    /// The totals by name, sorted; none falls.
    public var totals: [NamedCounters.Counter] {
        entries.sorted { $0.key < $1.key }.map {
            .init($0.key, $0.value.earlier &+ $0.value.latest)
        }
    }
}
