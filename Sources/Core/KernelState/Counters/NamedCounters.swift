import NetworkPrimitives

/// Counters that the kernel prints by name under /proc/net, in its order.
///
/// Names are the kernel's, known to this program or not. Lines that are no counters are counted and
/// left out; at most `nameLimit` names are kept.
public struct NamedCounters: Equatable, Sendable {
    /// The most names that are kept; Linux 6.12 has under 200 of any file.
    public static let nameLimit = 1024
    /// The longest name that is taken, in octets.
    static let nameByteLimit = 64

    /// One counter.
    public struct Counter: Equatable, Sendable {
        /// The kernel's name, like `XfrmInStateSeqError`.
        public var name: String
        /// The count since the namespace was made.
        public var value: UInt64

        /// Makes a counter.
        public init(_ name: String, _ value: UInt64) {
            self.name = name
            self.value = value
        }
    }

    /// The counters in the kernel's order; a name is there once.
    public private(set) var counters: [Counter] = []
    /// Lines that were not in the kernel's form.
    public private(set) var malformedLines = 0
    private var places: [String: Int] = [:]

    /// Makes an empty table.
    public init() {}

    /// A counter by name; nil where the kernel has none of that name.
    public subscript(name: String) -> UInt64? { places[name].map { counters[$0].value } }

    /// Reads lines of a name, blanks and a number: /proc/net/xfrm_stat and /proc/net/snmp6.
    public init(listing text: RawSpan) {
        var lines = TextLines()
        while let line = lines.next(in: text) {
            let fields = text.fields(of: line, atMost: 3)
            guard fields.count == 2, let name = text.counterName(fields[0]),
                let value = text.number(fields[1])
            else {
                if !fields.isEmpty { malformedLines += 1 }
                continue
            }
            set(name, value)
        }
    }

    /// Reads pairs of lines, names above numbers, each after `Group:`: /proc/net/snmp and
    /// /proc/net/netstat.
    ///
    /// A counter's name is the group and its own together, as nstat(8) has it: `IcmpInMsgs`. What is
    /// no count, like the `-1` of a limit that there is not, is left out.
    public init(table text: RawSpan) {
        var lines = TextLines()
        while let header = lines.next(in: text) {
            let names = text.fields(of: header, atMost: Self.nameLimit)
            guard !names.isEmpty else { continue }
            guard let values = lines.next(in: text) else {
                malformedLines += 1
                return
            }
            let numbers = text.fields(of: values, atMost: Self.nameLimit)
            guard let group = text.counterGroup(names[0]), numbers.count == names.count,
                text.counterGroup(numbers[0]) == group
            else {
                malformedLines += 1
                continue
            }
            for (name, number) in zip(names, numbers).dropFirst() {
                guard let name = text.counterName(name) else {
                    malformedLines += 1
                    continue
                }
                if let value = text.number(number) { set(group + name, value) }
            }
        }
    }

    /// Sets a counter, the last value of a name that comes twice; drops what exceeds the limit.
    public mutating func set(_ name: String, _ value: UInt64) {
        if let place = places[name] {
            counters[place].value = value
        } else if counters.count < Self.nameLimit {
            places[name] = counters.count
            counters.append(Counter(name, value))
        }
    }

    /// The counters whose name passes `isWanted`, in order.
    public func filtered(_ isWanted: (String) -> Bool) -> NamedCounters {
        var kept = NamedCounters()
        kept.malformedLines = malformedLines
        for counter in counters where isWanted(counter.name) {
            kept.set(counter.name, counter.value)
        }
        return kept
    }

    /// All counters of this table and then those of another.
    public func merged(with other: NamedCounters) -> NamedCounters {
        var all = self
        all.malformedLines += other.malformedLines
        for counter in other.counters { all.set(counter.name, counter.value) }
        return all
    }

    /// Whether a counter of SNMP's tables has to do with how packets and ICMP messages fare here.
    ///
    /// All of IP, ICMP and their extensions, and the one of TCP's extensions that is not about TCP.
    public static func concernsDelivery(_ name: String) -> Bool {
        name == "TcpExtIPReversePathFilter" || name.hasPrefix("Ip") || name.hasPrefix("Icmp")
    }
}
