public import NetworkPrimitives

/// Watches how arrivals of one tunnel go over from SPI to SPI.
///
/// It wants every packet while ``isObserving``, and always the first one of an SPI that is not among
/// ``knows(_:)``; what carried before that it is told by ``noteCarrier``. Outside of successions no
/// packet need come here.
///
/// *Bounded.* 48 SPIs, 32 successions of 8 former SPIs. What came once gives way first, so made-up SPIs
/// fight for places among themselves.
public struct SuccessionWatch: Sendable {
    /// How long a former SPI is silent at least before it counts as replaced.
    public static let leastSilence = Duration.seconds(30)
    /// How long after the first packet on a new SPI the observation is given up.
    public static let patience = Duration.seconds(300)
    /// An SPI that was silent for longer before is not replaced by a new one.
    static let memory = Duration.seconds(120)
    /// How long packets for a deleted SA are counted.
    public static let deletionWatch = Duration.seconds(180)
    /// When some former SPIs fell silent, how long the others are waited for.
    static let companionPatience = Duration.seconds(180)
    static let carrierLimit = 48
    static let openLimit = 32
    static let formerLimit = 8

    /// One SPI.
    struct Carrier: Sendable {
        var spi: SPI
        /// The how-manieth it is: later ones are its successors.
        var order: UInt32
        var first: MonotonicInstant
        var last: MonotonicInstant
        var packets: UInt64
        var removedAt: MonotonicInstant?
        var packetsAfterRemoval: UInt64 = 0

        /// The mean time between its packets; nil for a single one.
        var gap: Duration? {
            packets > 1
                ? .nanoseconds((last - first).nanoseconds / Int64(clamping: packets - 1)) : nil
        }
    }

    /// A former SPI of a succession.
    struct FormerWalk: Sendable {
        var spi: SPI
        var order: UInt32
        var lastBefore: MonotonicInstant
        /// The mean time between its packets before.
        var gap: Duration?
        var walk = ConvergenceWalk()
    }

    /// A succession under observation, or one that is over.
    struct Open: Sendable {
        var spi: SPI
        var order: UInt32
        var first: MonotonicInstant
        /// Packets on the SPI itself.
        var packets: UInt64 = 0
        /// Packets on it or on later ones.
        var carried: Int64 = 0
        var lastCarried: MonotonicInstant
        var joint = ConvergenceWalk()
        var formers: InlineArray<8, FormerWalk>
        var formerCount = 0
        var isWaiting = true
        /// The first SPI that carried later than this one, and since when.
        var overtaker: (spi: SPI, since: MonotonicInstant)?
        var closedAt: MonotonicInstant?

        var isClosed: Bool { closedAt != nil }
    }

    /// Packets for SAs that were deleted.
    public struct Deletion: Equatable, Sendable {
        /// The SPI of the deleted SA.
        public var spi: SPI
        /// When it was deleted.
        public var at: MonotonicInstant
        /// Packets that arrived for it since.
        public var packets: UInt64
    }

    var carriers: ContiguousArray<Carrier> = []
    var successions: ContiguousArray<Open> = []
    /// The latest arrivals while it was observed, for deletions that are told of late.
    private var recent: ContiguousArray<(order: UInt32, at: MonotonicInstant)> = []
    private var oldestRecent = 0
    private static let recentLimit = 256
    private var nextOrder: UInt32 = 0
    private var latest = 0
    private var observedUntil = MonotonicInstant(nanoseconds: .min)
    private var openCount = 0

    /// Makes a watch that has seen nothing.
    public init() {}

    /// Whether every packet is to be received now.
    public var isObserving: Bool { openCount > 0 || observedUntil.nanoseconds > .min }

    /// Whether an SPI was seen before and is remembered.
    public func knows(_ spi: SPI) -> Bool { carriers.contains { $0.spi == spi } }

    /// Packets for SAs that were deleted, each counted for three minutes.
    public var deletions: [Deletion] {
        carriers.compactMap { carrier in
            carrier.removedAt.map {
                Deletion(spi: carrier.spi, at: $0, packets: carrier.packetsAfterRemoval)
            }
        }
    }

    // MARK: - What comes in

    /// Tells of an SPI that carried while not every packet was received.
    ///
    /// - Parameters:
    ///   - spi: The SPI.
    ///   - first: Its first packet.
    ///   - last: Its latest packet.
    ///   - packets: How many there were.
    public mutating func noteCarrier(
        _ spi: SPI, first: MonotonicInstant, last: MonotonicInstant, packets: UInt64
    ) {
        if let place = carriers.firstIndex(where: { $0.spi == spi }) {
            carriers[place].last = max(carriers[place].last, last)
            carriers[place].packets = max(carriers[place].packets, packets)
            return
        }
        makeRoom()
        carriers.append(
            Carrier(spi: spi, order: nextOrder, first: first, last: last, packets: packets))
        nextOrder &+= 1
    }

    /// Has every packet received until an instant: something is expected.
    public mutating func observe(until instant: MonotonicInstant) {
        observedUntil = max(observedUntil, instant)
    }

    /// Notes that the kernel deleted the SA of an SPI, which may be told some milliseconds late.
    public mutating func remove(_ spi: SPI, at instant: MonotonicInstant) {
        guard let place = carriers.firstIndex(where: { $0.spi == spi }) else { return }
        guard carriers[place].removedAt == nil else { return }
        carriers[place].removedAt = instant
        carriers[place].packetsAfterRemoval = UInt64(
            recent.count { $0.order == carriers[place].order && $0.at > instant })
        observe(until: instant + Self.deletionWatch)
    }

    /// Notes that the kernel installed an SA with this SPI, which it may have had before.
    public mutating func install(_ spi: SPI, at instant: MonotonicInstant) {
        // A number that is used again is another SA.
        carriers.removeAll { $0.spi == spi && $0.removedAt != nil }
        latest = 0
        observe(until: instant + Self.leastSilence)
    }

    /// Receives a packet, not earlier than its predecessor.
    public mutating func receive(_ spi: SPI, at instant: MonotonicInstant) {
        if latest >= carriers.count || carriers[latest].spi != spi {
            guard let place = carriers.firstIndex(where: { $0.spi == spi }) else {
                return begin(spi, at: instant)
            }
            latest = place
        }
        carriers[latest].packets &+= 1
        carriers[latest].last = max(carriers[latest].last, instant)
        if let removedAt = carriers[latest].removedAt, instant > removedAt,
            instant - removedAt <= Self.deletionWatch
        {
            carriers[latest].packetsAfterRemoval &+= 1
        }
        remember(carriers[latest].order, at: instant)
        guard openCount > 0 else { return }
        let order = carriers[latest].order
        for place in successions.indices where !successions[place].isClosed {
            successions[place].receive(spi, order: order, at: instant)
        }
    }

    private mutating func remember(_ order: UInt32, at instant: MonotonicInstant) {
        guard recent.count == Self.recentLimit else { return recent.append((order, instant)) }
        recent[oldestRecent] = (order, instant)
        oldestRecent = oldestRecent + 1 == Self.recentLimit ? 0 : oldestRecent + 1
    }

    /// The first packet on a new SPI.
    private mutating func begin(_ spi: SPI, at instant: MonotonicInstant) {
        makeRoom()
        carriers.append(
            Carrier(spi: spi, order: nextOrder, first: instant, last: instant, packets: 1))
        latest = carriers.count - 1
        remember(nextOrder, at: instant)
        let order = nextOrder
        nextOrder &+= 1
        for place in successions.indices where !successions[place].isClosed {
            successions[place].receive(spi, order: order, at: instant)
        }
        guard let open = Open(spi, order: order, at: instant, after: carriers) else { return }
        makeRoomForSuccession()
        successions.append(open)
        openCount += 1
    }

    // MARK: - Room

    /// Sees to it that there is room for another SPI.
    private mutating func makeRoom() {
        guard carriers.count >= Self.carrierLimit else { return }
        var victim = 0
        for place in carriers.indices
        where Self.isLess(carriers[place], carriers[victim]) { victim = place }
        carriers.remove(at: victim)
        latest = 0
    }

    /// Whether one gives way before another: what came once first, then what was silent for longest.
    private static func isLess(_ left: Carrier, _ right: Carrier) -> Bool {
        if (left.packets > 1) != (right.packets > 1) { return right.packets > 1 }
        return left.last < right.last
    }

    private mutating func makeRoomForSuccession() {
        guard successions.count >= Self.openLimit else { return }
        // Those of a single packet first: a flood consists of them; then what was there to be read.
        let victim =
            successions.firstIndex(where: { $0.packets < 2 })
            ?? successions.firstIndex(where: { $0.isClosed }) ?? 0
        if !successions[victim].isClosed { openCount -= 1 }
        successions.remove(at: victim)
    }

    // MARK: - Time

    /// Ends what is over: call it about once a second.
    ///
    /// - Parameter now: No packet before it is missing any more.
    public mutating func advance(to now: MonotonicInstant) {
        if observedUntil.nanoseconds > .min, now > observedUntil {
            observedUntil = MonotonicInstant(nanoseconds: .min)
        }
        for place in successions.indices where !successions[place].isClosed {
            let isOver = successions[place].isOver(at: now, carriers)
            if isOver {
                successions[place].closedAt = now
                openCount -= 1
            }
        }
        // Whoever reads does so within a minute; a quiet tunnel keeps nothing.
        successions.removeAll { $0.isClosed && now - $0.first > Self.patience + .seconds(60) }
        if !isObserving {
            recent.removeAll()
            oldestRecent = 0
        }
    }

    /// The successions that are observed, and those closed in the last minutes, oldest first.
    ///
    /// - Parameter now: The current instant.
    /// - Returns: What is seen of each.
    public func reports(at now: MonotonicInstant) -> [Succession] {
        successions.map { $0.report(at: now, carriers) }
    }
}
