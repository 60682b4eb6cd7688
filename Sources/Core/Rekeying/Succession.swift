public import NetworkPrimitives

/// What is seen on the wire of one new inbound SPI, and of those that it may replace.
public struct Succession: Equatable, Sendable {
    /// How arrivals went over from former SPIs to the new one.
    ///
    /// *x % point.* The first packet on the new SPI from which on every stretch of arrivals, short or
    /// long, until the end of the observation, has at least x % on the new SPI or a later one. It
    /// needs no window, so it is as exact as the stamps, for ten packets a minute as for a million a
    /// second, and does not depend on how long is observed; a packet that is late by itself in a
    /// hundred others moves no 99 % point, and stands in the tail.
    public struct Arrivals: Equatable, Sendable {
        /// The first packet on the new SPI.
        public var firstPacketAt: MonotonicInstant
        /// The 50 % point; nil while the latest packets are on a former SPI.
        public var halfAt: MonotonicInstant?
        /// The 99 % point, never before the 50 % point; nil while it is not reached.
        public var convergedAt: MonotonicInstant?
        /// Packets on former SPIs after the first on the new one.
        public var tailPackets: UInt64
        /// The latest of them; nil for none.
        public var lastTailAt: MonotonicInstant?
        /// Packets on the new SPI itself.
        public var packets: UInt64

        /// Makes figures.
        public init(
            firstPacketAt: MonotonicInstant, halfAt: MonotonicInstant?,
            convergedAt: MonotonicInstant?, tailPackets: UInt64, lastTailAt: MonotonicInstant?,
            packets: UInt64
        ) {
            self.firstPacketAt = firstPacketAt
            self.halfAt = halfAt
            self.convergedAt = convergedAt
            self.tailPackets = tailPackets
            self.lastTailAt = lastTailAt
            self.packets = packets
        }

        /// From the first packet on the new SPI to the last on a former one; zero without one.
        public var tail: Duration { lastTailAt.map { $0 - firstPacketAt } ?? .zero }
    }

    /// One SPI that carried before the new one.
    public struct Former: Equatable, Sendable {
        /// The SPI.
        public var spi: SPI
        /// Its latest packet, before or after the first on the new one.
        public var lastPacketAt: MonotonicInstant
        /// Whether it has been silent for so long, with packets on the new one, that it counts as
        /// replaced.
        public var isSilent: Bool
        /// The arrivals of this one and of the new ones, all others left out.
        public var arrivals: Arrivals
    }

    /// The new SPI.
    public var spi: SPI
    /// Its first packet.
    public var firstPacketAt: MonotonicInstant
    /// SPIs that carried in the two minutes before, at most eight, the latest ones.
    public var formers: [Former]
    /// Arrivals of all formers together against the new ones.
    public var joint: Arrivals
    /// The first SPI that carried after this one and before this one had taken over; nil for none.
    public var overtakenBy: SPI?
    /// Whether the observation is over.
    public var isClosed: Bool

    /// The former SPIs that this one replaced, as far as packets tell.
    public var silentFormers: [Former] { formers.filter(\.isSilent) }

    /// The former SPI that carried last of those that fell silent.
    public var replaced: Former? {
        silentFormers.max { $0.lastPacketAt < $1.lastPacketAt }
    }

    /// How arrivals went over.
    ///
    /// - Parameter chosen: The formers that are replaced. All together are exact; of some, times are those
    ///   of the slowest. With none, nobody sent on anything else.
    /// - Returns: The arrivals.
    public func arrivals(from chosen: [Former]) -> Arrivals {
        guard let first = chosen.first else { return untouched }
        guard chosen.count < formers.count else { return joint }
        var slowest = first.arrivals
        for one in chosen.dropFirst().map(\.arrivals) {
            slowest.tailPackets += one.tailPackets
            slowest.lastTailAt = [slowest.lastTailAt, one.lastTailAt].compactMap { $0 }.max()
            slowest.halfAt = Self.later(slowest.halfAt, one.halfAt)
            slowest.convergedAt = Self.later(slowest.convergedAt, one.convergedAt)
        }
        return slowest
    }

    private var untouched: Arrivals {
        Arrivals(
            firstPacketAt: firstPacketAt, halfAt: firstPacketAt, convergedAt: firstPacketAt,
            tailPackets: 0, lastTailAt: nil, packets: joint.packets)
    }

    private static func later(
        _ left: MonotonicInstant?, _ right: MonotonicInstant?
    ) -> MonotonicInstant? {
        guard let left, let right else { return nil }
        return max(left, right)
    }
}
