public import NetworkPrimitives

/// Everything that is measured of one ESP stream (algorithms §3).
///
/// ```
/// packet ─ windows ─ identity ─ copy? ─ collision? ─ lower bound ─┬─ IV names the sender: SenderTable
///          (copies     │                                          └─ else: CounterTracker
///          included)   └ copies end here
/// ```
///
/// While the IV is being learnt the packets go both to the tracker and into a bounded backlog, so
/// that the senders' figures hold from the first packet on whichever way it ends. As long as nothing
/// proves a second counter, the whole stream is also measured as one sender's.
///
/// *Memory.* 135 KiB for the windows at the default reach, and what the parts say.
public struct StreamAnalyzer: Sendable {
    /// What is the same for all streams of a capture.
    public struct Settings: Sendable {
        /// The window sizes to predict for, in packets.
        public var windows: [Int]
        /// How far below the highest number packets are told apart, at least the largest window.
        public var reach: Int
        /// A secret random number.
        public var seed: UInt64

        /// Makes settings.
        public init(
            windows: [Int] = [32, 64, 128, 256, 512, 1024, 2048, 4096], reach: Int = 1 << 20,
            seed: UInt64
        ) {
            self.windows = windows
            self.reach = reach
            self.seed = seed
        }
    }

    /// The most source addresses told.
    public static let sourceLimit = 16
    /// Packets during which the counters are followed too, to compare them with what the IVs say.
    static let comparedPackets: UInt64 = 4096
    /// Packets between two looks at whether the IVs still name senders.
    static let guardInterval: UInt64 = 16_384

    /// Which stream this is.
    public let id: StreamID
    /// What no other stream of the identity table has.
    public let number: UInt32
    let settings: Settings

    /// ESP packets, copies included.
    public private(set) var packets: UInt64 = 0
    var bytes: UInt64 = 0
    var fragments: UInt64 = 0
    var firstArrival = MonotonicInstant.zero
    /// When the latest packet arrived.
    public internal(set) var lastArrival = MonotonicInstant.zero
    var lowestEarly = UInt32.max
    private var latestSource: IPAddress?
    var sources: [IPAddress] = []
    /// Which hop limits packets arrived with, copies left out.
    var hopLimits: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    var windows: ReplayWindowPredictor
    /// What the senders' numbers are turned by, 0 or half of all.
    private var phase = ExtendedPhase()
    var lengths: LengthTally
    var copies = CopyTally()
    /// Packets, copies left out.
    var distinct: UInt64 = 0
    var outOfOrder: UInt64 = 0
    var collisions: UInt64 = 0
    var certainCollisions: UInt64 = 0
    var memory = IdentityHorizon()
    var bound: SenderLowerBound
    private var isBoundResting = false
    var multiplicity: SequenceMultiplicity

    var fingerprint: IVFingerprint
    /// The senders that the IVs name, once they do.
    var named: SenderTable?
    /// The whole stream as one sender's, as long as nothing speaks against it.
    var single: SenderTable?
    /// The counters, while the IVs do not name the senders or have not proved it for long.
    var tracker: CounterTracker?
    /// Late packets of counters by depth, for windows of their own.
    var lateCounters: DepthTally
    private var nextGuard: UInt64 = 0
    var metrics = IdentifiableTotals()

    /// Makes an analyzer of a stream without packets.
    ///
    /// - Parameters:
    ///   - id: Which stream it is.
    ///   - number: A number that no other stream of the same identity table has.
    ///   - settings: What is the same for all streams.
    ///   - isExtended: Whether the SA has extended sequence numbers.
    public init(
        id: StreamID, number: UInt32, settings: Settings, isExtended: Bool = false
    ) {
        self.id = id
        self.number = number
        self.settings = settings
        let seed = settings.seed &+ UInt64(number) &* 0x9e37_79b9_7f4a_7c15
        windows = ReplayWindowPredictor(
            windows: settings.windows, reach: settings.reach, isExtended: isExtended)
        lengths = LengthTally(windows: windows.windows)
        bound = SenderLowerBound(seed: seed &+ 1)
        multiplicity = SequenceMultiplicity(seed: seed &+ 2)
        fingerprint = IVFingerprint(seed: seed &+ 3)
        single = SenderTable(seed: seed &+ 4, windows: windows.windows)
        lateCounters = DepthTally(windows: windows.windows)
    }

    /// Whether the SA is known to have extended sequence numbers.
    public var isExtended: Bool { windows.isExtended }

    /// Takes the numbers for low halves of extended ones from here on.
    mutating func extend() { windows.extend() }

    /// Whether the numbers will soon wrap for the senders' analysis: a new analyzer must take over,
    /// which turns them by another phase.
    var isSpent: Bool {
        isExtended && packets > 0 && phase.turned(windows.highest) >= ExtendedPhase.limit
    }

    private var seed: UInt64 { settings.seed &+ UInt64(number) &* 0x9e37_79b9_7f4a_7c15 }

    /// Takes in the next packet of the stream.
    ///
    /// - Parameters:
    ///   - packet: The packet; its arrival is not before the latest one's.
    ///   - identities: The table of the whole capture's packets.
    public mutating func receive(
        _ packet: borrowing ESPObservation, identities: inout PacketIdentityTable
    ) {
        receive(
            packet, key: identities.key(packet.identity, number), identities: &identities)
    }

    /// Takes in the next packet of the stream, whose key in the identity table is known already.
    mutating func receive(
        _ packet: borrowing ESPObservation, key: UInt64, identities: inout PacketIdentityTable
    ) {
        if packets == 0 {
            firstArrival = packet.arrival
            if isExtended { phase = ExtendedPhase(beginningWith: packet.sequence) }
        }
        packets &+= 1
        bytes &+= UInt64(truncatingIfNeeded: packet.length)
        if packet.isFragment { fragments &+= 1 }
        lastArrival = packet.arrival
        if packet.source != latestSource { noteSource(packet.source) }

        let outcome = windows.receive(packet.sequence)
        lengths.note(length: packet.length, outcome)
        let sighting = identities.sight(key, at: packet.arrival, hopLimit: packet.hopLimit)
        if case .copy(let age, let differs) = sighting {
            copies.noteCopy(age: age, hopLimitDiffers: differs)
            return
        }
        distinct &+= 1
        copies.notePacket()
        noteHopLimit(packet.hopLimit)
        let sequence = phase.turned(packet.sequence)
        memory.note(
            highest: phase.turned(windows.highest), taken: identities.taken,
            reach: identities.capacity / 16)
        switch outcome {
        case .advanced: break
        case .late, .beyondReach: outOfOrder &+= 1
        case .repeated:
            outOfOrder &+= 1
            collisions &+= 1
            if memory.isCertain(sequence) { certainCollisions &+= 1 }
        case .zero:
            // No sender sends 0 (RFC 4303 §3.3.3): whoever it is, it is none to follow.
            return
        }
        if distinct <= Self.birthPackets { lowestEarly = min(lowestEarly, sequence) }
        guard phase.isTurned else { return analyze(packet) }
        var turned = copy packet
        turned.sequence = sequence
        analyze(turned)
    }

    /// Takes in a packet whose number wraps for no sender.
    @inline(__always)
    private mutating func analyze(_ packet: borrowing ESPObservation) {
        proveSenders(packet)
        multiplicity.receive(sequence: packet.sequence, identity: packet.identity)
        follow(packet)
    }

    // MARK: Senders

    /// Feeds the lower bound, which rests while it has proven every sender that the IVs name: it
    /// cannot rise until another one appears.
    @inline(__always)
    private mutating func proveSenders(_ packet: borrowing ESPObservation) {
        if let names = named?.count, bound.bound >= names {
            isBoundResting = true
            return
        }
        if isBoundResting {
            isBoundResting = false
            bound.resume(at: packet.arrival)
        }
        bound.receive(packet.sequence, at: packet.arrival)
    }

    /// Loads ahead of need what the lower bound will look up for `sequence`, as its own methods do.
    @inline(__always)
    func touchBucket(of sequence: UInt32) -> UInt32 {
        isBoundResting ? 0 : bound.touchBucket(of: phase.turned(sequence))
    }

    /// The second step of it.
    @inline(__always)
    func touchPacket(_ found: UInt32) -> UInt32 { isBoundResting ? 0 : bound.touchPacket(found) }

    private mutating func follow(_ packet: borrowing ESPObservation) {
        if case .named(let family) = fingerprint.state, named != nil {
            receiveNamed(packet, family)
            if tracker != nil { receiveCounted(packet) }
            if distinct >= nextGuard { guardNamed() }
            return
        }
        if single != nil { receiveSingle(packet) }
        receiveCounted(packet)
        if fingerprint.state == .learning, fingerprint.learn(copy packet),
            case .named(let family) = fingerprint.state
        {
            beginNamed(family)
        }
    }

    @inline(__always)
    private mutating func receiveNamed(_ packet: borrowing ESPObservation, _ family: IVFamily) {
        // Too short for an IV: forged or broken, and rare, or the IV would not have been learnt.
        guard let vector = packet.initializationVector else { return }
        _ = named?.receive(
            key: family.key(
                initializationVector: phase.vector(vector, family, at: packet.sequence),
                sequence: packet.sequence), sequence: packet.sequence, at: packet.arrival,
            hopLimit: packet.hopLimit,
            identification: packet.identification)
    }

    private mutating func receiveSingle(_ packet: borrowing ESPObservation) {
        guard bound.bound <= 1, collisions == 0 else {
            single = nil
            return
        }
        _ = single?.receive(
            key: 0, sequence: packet.sequence, at: packet.arrival, hopLimit: packet.hopLimit,
            identification: packet.identification)
    }

    private mutating func receiveCounted(_ packet: borrowing ESPObservation) {
        if tracker == nil { tracker = CounterTracker(seed: seed &+ 6) }
        guard
            let decision = tracker?.receive(
                packet.sequence, at: packet.arrival, hopLimit: packet.hopLimit,
                identification: packet.identification), decision.kind == .late
        else { return }
        lateCounters.note(depth: decision.gap)
    }

    /// The IVs seem to name senders: their figures begin with the packets they were learnt from, if
    /// there are about as many as the counters say (§4).
    private mutating func beginNamed(_ family: IVFamily) {
        guard agreesWithCounters(fingerprint.distinctKeys) else {
            // The tracker too may need more packets to find its feet.
            fingerprint.postpone()
            return
        }
        var table = SenderTable(seed: seed &+ 5, windows: windows.windows)
        for packet in fingerprint.takePackets() {
            _ = table.receive(
                key: family.key(
                    initializationVector: packet.initializationVector, sequence: packet.sequence),
                sequence: packet.sequence, at: MonotonicInstant(nanoseconds: packet.arrival),
                hopLimit: packet.hopLimit, identification: packet.identification)
        }
        named = table
        nextGuard = distinct * 2
        guardNamed()
        if named != nil { single = nil }
    }

    /// Whether the IVs still name senders: each is one counter, there are about as many as the
    /// counters say and no fewer than are proven, and they come back.
    @inline(never)
    private mutating func guardNamed() {
        guard let table = named else { return }
        let isContradicted =
            table.conflicts >= 8 && table.conflictingSenders * 100 > table.senders.count
        let isTooFew = bound.bound > table.count * 3 / 2 + 1
        guard !isContradicted, !isTooFew, !table.hasManyStrangers(at: lastArrival),
            agreesWithCounters(table.count)
        else {
            named = nil
            fingerprint.refuse(.contradicted)
            return
        }
        if distinct >= Self.comparedPackets { tracker = nil }
        nextGuard = distinct + min(distinct, Self.guardInterval)
    }

    /// Whether there are not many more names than counters, as far as these are followed.
    ///
    /// Many more mean that something else than the sender is in the key. More counters than names are
    /// no contradiction: where a path reorders much the tracker sees counters that are not there, and
    /// several senders under one name would contradict each other (`conflicts`, `bound`).
    private func agreesWithCounters(_ names: Int) -> Bool {
        guard let tracker else { return true }
        let counters = Double(estimatedCounters(tracker, at: lastArrival))
        // Among a few, one or two false tracks are no contradiction.
        return Double(names) <= 1.5 * counters + 3
    }

    /// How many counters there are.
    ///
    /// As long as nothing proves a second, a stream that is one counter without a jump is one, and else the
    /// non-collision test tells: paths of unlike length do not look like senders then.
    func estimatedCounters(_ tracker: CounterTracker, at now: MonotonicInstant) -> Int {
        guard bound.bound <= 1, collisions == 0 else {
            return max(tracker.summary(at: now).estimate, bound.bound, multiplicity.bound)
        }
        if let single, single.outage == 0, single.conflicts == 0 { return 1 }
        return max(1, tracker.nonCollidingCounters())
    }

    // MARK: Evidence

    /// How many packets show whether the SA was seen from its birth.
    private static let birthPackets: UInt64 = 8

    private mutating func noteSource(_ source: IPAddress) {
        latestSource = source
        guard sources.count < Self.sourceLimit, !sources.contains(source) else { return }
        sources.append(source)
    }

    @inline(__always)
    private mutating func noteHopLimit(_ hopLimit: UInt8) {
        let bit: UInt64 = 1 << UInt64(hopLimit & 63)
        switch hopLimit >> 6 {
        case 0: hopLimits.0 |= bit
        case 1: hopLimits.1 |= bit
        case 2: hopLimits.2 |= bit
        default: hopLimits.3 |= bit
        }
    }
}
