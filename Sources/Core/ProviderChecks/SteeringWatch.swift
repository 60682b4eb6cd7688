import NetworkPrimitives

/// Tells whether the provider sends its traffic elsewhere while it goes on checking.
///
/// A tunnel with a penalty keeps its checks and loses the rest. That the rest stops is known from the
/// count of packets that the tunnel's SAs decrypted; there must have been a steady flow before.
struct SteeringWatch: Sendable {
    private struct Packets: SlotValue {
        var count: UInt64 = 0

        static func += (left: inout Packets, right: Packets) { left.count &+= right.count }
    }

    /// Traffic of less than this a second is too little to miss.
    private static let steady = 1.0

    private var others = Slots<Packets>(length: .seconds(10), count: 61)
    private var lastTotal: (packets: UInt64, at: MonotonicInstant)?
    private var first: MonotonicInstant?
    private var echoes: UInt64 = 0

    /// An echo message came out of the tunnel.
    mutating func noteEcho() { echoes &+= 1 }

    /// The SAs of the tunnel have decrypted so many packets until now.
    mutating func note(total: UInt64, at now: MonotonicInstant) {
        defer {
            lastTotal = (total, now)
            echoes = 0
        }
        guard let lastTotal, total >= lastTotal.packets, now > lastTotal.at,
            now - lastTotal.at < .seconds(30)
        else { return }
        if first == nil { first = now }
        let all = total - lastTotal.packets
        others.add(Packets(count: all > echoes ? all - echoes : 0), at: now)
    }

    /// Whether traffic stopped within the last minutes; nil where it cannot be told.
    func isAway(at now: MonotonicInstant) -> Bool? {
        guard let first, now - first >= .seconds(300) else { return nil }
        let values = others.values(of: .seconds(600), before: now).map(\.count)
        let known = values.suffix(min(60, Int((now - first).nanoseconds / 10_000_000_000)))
        let recent = known.suffix(6).reduce(0, +)
        let before = known.dropLast(12)
        guard before.count >= 12 else { return nil }
        let usual = Double(before.reduce(0, +)) / Double(before.count * 10)
        // A pause now and then is a pause, not a penalty.
        let busy = before.count { Double($0) >= usual * 5 }
        guard usual >= Self.steady, busy * 4 >= before.count * 3 else { return nil }
        return Double(recent) / 60 <= usual / 50
    }
}
