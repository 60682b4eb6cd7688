import NetworkPrimitives

/// What the verdict rules look at: the figures of one stream at one moment (algorithms §8).
struct StreamEvidence: Sendable {
    /// Packets, copies left out.
    var packets: UInt64 = 0
    /// Different packets with equal numbers.
    var collisions: UInt64 = 0
    /// Those of `collisions` that cannot be copies of packets long forgotten.
    var certainCollisions: UInt64 = 0
    /// The least number of counters that explains the order of arrival (§5).
    var lowerBound = 1
    /// The most different packets with one number.
    var multiplicity = 0
    /// The estimate of the senders, and what it comes from.
    var estimate: Int?
    /// What told the senders apart.
    var method: SenderCount.Method?
    /// Senders named by their IV that sent three packets and more.
    var namedSenders = 0
    /// How many different hop limits packets arrived with.
    var hopLimits = 1
    /// How sure each packet's sender is.
    var confidence = 0.0
    /// Packets that filled a hole of their sender.
    var fills = 0.0
    /// Fills that coincidence explains (§6).
    var expectedFalseFills = 0.0
    /// Packets below the stream's highest number.
    var outOfOrder: UInt64 = 0
    /// Copies by what made them.
    var copies = DuplicateCounts()
    /// Copies younger than 100 ms.
    var youngCopies: UInt64 = 0
    /// Copies older than a second whose hop limit differs from the first copy's.
    var oldCopiesWithOtherHopLimit: UInt64 = 0
    /// The ages of those older than a second.
    var oldAges: ClosedRange<Duration>?

    /// Whether nothing proves a second counter.
    var isOneCounter: Bool { lowerBound <= 1 && collisions == 0 && multiplicity <= 1 }
}

/// Numbers in sentences.
enum Figures {
    /// A share as a percentage with two digits that count: `0.12 %`, `49.7 %`.
    static func percent(_ share: Double) -> String {
        let percent = share * 100
        let digits = percent >= 10 ? 1 : percent >= 0.1 ? 2 : 3
        return decimal(percent, digits: digits) + " %"
    }

    /// A number with `digits` decimals.
    static func decimal(_ number: Double, digits: Int) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return "\(number)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (abs(number) * scale).rounded()
        let whole = Int(scaled / scale)
        let fraction = Int(scaled - Double(whole) * scale)
        let sign = number < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        let text = String(fraction)
        return "\(sign)\(whole)." + String(repeating: "0", count: digits - text.count) + text
    }

    /// `1 packet`, `2 packets`.
    static func count(
        _ number: some BinaryInteger, _ noun: String, plural: String? = nil
    ) -> String {
        number == 1 ? "1 \(noun)" : "\(number) \(plural ?? noun + "s")"
    }

    /// A duration in the unit that suits it.
    static func time(_ duration: Duration) -> String {
        let seconds = duration.seconds
        if seconds >= 10 { return decimal(seconds, digits: 0) + " s" }
        if seconds >= 1 { return decimal(seconds, digits: 1) + " s" }
        if seconds >= 0.01 { return decimal(seconds * 1e3, digits: 0) + " ms" }
        return decimal(seconds * 1e3, digits: 2) + " ms"
    }
}
