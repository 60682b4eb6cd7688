public import NetworkPrimitives

/// Separates the interleaved counters of many senders when nothing but the sequence number names
/// them: the multiset counter tracker of algorithms §6.
///
/// Each sender sends every number to this host, so the next number of a counter at L is L+1 unless
/// packets were lost. A track is one counter; a packet is given to the track, the open hole or the
/// new counter that best explains it, and the share of that explanation in all of them is the
/// confidence. Byte-identical copies must not be given to it.
///
/// Bounds: `capacity` tracks, the longest idle 1/64 making room for new ones; 65 536 holes and
/// decoys; 20 classes of hop limits; about 60 candidates for each packet (`HopLimitClasses`,
/// `HoleLedger`, `NextNumberIndex`). 8 192 tracks take 2.8 MB, and the most holes 3.7 MB more. What a
/// packet costs does not depend on the number of tracks.
/// A packet allocates nothing but for the growth of these tables by doubling.
public struct CounterTracker: Sendable {
    /// What was decided about one packet.
    public struct Decision: Hashable, Sendable {
        /// What a packet can be.
        public enum Kind: String, CaseIterable, Hashable, Sendable {
            /// The first of a counter that was not known.
            case first
            /// Above its counter's latest number.
            case forward
            /// A number that its counter had jumped over.
            case late
        }

        /// What the packet is.
        public var kind: Kind
        /// The number of its counter in order of appearance, from 1; never used again.
        public var track: Int32
        /// How far it is above its counter's latest number, 1 being in order; of a late packet, how
        /// far below; 0 of a first.
        public var gap: Int
        /// How sure that is, 0...1: its share of the weight of all explanations.
        public var confidence: Double
    }

    /// The most tracks there are.
    public let capacity: Int

    var tracks: ContiguousArray<CounterTrack> = []
    var freeTracks: ContiguousArray<UInt16> = []
    var index: NextNumberIndex
    var holes: HoleLedger
    var timer = SilenceTimer()
    var classes = HopLimitClasses()
    var priors = CounterPriors()
    var clock = IdentificationClock()
    var births = BirthHistory()
    let decay = DecayTable()

    /// Tracks by how long they have been idle; used, and made, when some must make room.
    private var ages: ContiguousArray<Int> = []

    /// The latest time, in nanoseconds.
    private(set) var now: Int64 = -timeLimit
    /// Whatever a file claims, time stays within 146 years of the clock's start, so that no
    /// difference of two times overflows.
    private static let timeLimit: Int64 = 1 << 62
    var firstArrival: Int64?
    var packets: UInt64 = 0
    var lastSerial: UInt32 = 0
    /// Tracks with exactly one packet, and with exactly two.
    var singles = 0
    var doubles = 0
    /// Tracks with three packets or more that had to make room.
    var retired = 0
    var confidenceSum = 0.0
    /// The sum of the tracks' `hazard`.
    var hazards = 0.0
    var lost: UInt64 = 0
    var outage: UInt64 = 0
    var fills: UInt64 = 0
    var holesOpened: UInt64 = 0
    var decoysOpened: UInt64 = 0
    var decoyWins: UInt64 = 0
    var steps: UInt64 = 0
    var colocated: UInt64 = 0
    var maximumExtent: UInt32 = 0
    var maximumLateness: Int64 = 0

    /// Makes a tracker of nothing.
    ///
    /// - Parameters:
    ///   - seed: keys the hash tables; draw it at random, so that nobody can choose numbers that
    ///     collide.
    ///   - capacity: the most tracks, 1...65 000.
    public init(seed: UInt64, capacity: Int = 8192) {
        precondition((1...65_000).contains(capacity), "tracks are named by 16 bits")
        self.capacity = capacity
        index = NextNumberIndex(seed: seed, capacity: capacity)
        holes = HoleLedger(seed: seed &+ 2)
    }

    /// Takes one packet, and says whose it is.
    ///
    /// - Parameters:
    ///   - sequence: the sequence number on the wire; numbers are compared modulo 2³², so that a
    ///     counter with extended numbers passes the wrap.
    ///   - arrival: when it arrived; a stamp that runs backwards is taken for the latest.
    ///   - hopLimit: the time to live or hop limit.
    ///   - identification: the IPv4 identification, 0 where there is none.
    /// - Returns: the decision.
    public mutating func receive(
        _ sequence: UInt32, at arrival: MonotonicInstant, hopLimit: UInt8, identification: UInt16
    ) -> Decision {
        advance(to: arrival)
        let start = firstArrival ?? now
        firstArrival = start
        packets &+= 1
        classes.count(hopLimit)
        if priors.needsRefresh(packets: packets, now: now) {
            priors.refresh(
                packets: packets, tracks: tracks.count - freeTracks.count,
                elapsed: Double(now &- start) * 1e-9, now: now)
        }

        let packet = Packet(
            number: sequence, hopLimit: hopLimit, identification: identification,
            hopClass: classes.number(of: hopLimit))
        let area = index.neighbourhood(below: sequence)
        if let decision = continueAlone(packet, area) { return decision }
        let choice = weigh(packet, area)
        if choice.decoyWeight > choice.weight {
            decoyWins &+= 1
            holes.close(choice.decoy)
        }
        let confidence = min(choice.weight / choice.total, 1)
        confidenceSum += confidence
        priors.learnCertainty(confidence)

        switch choice.kind {
        case .first: begin(packet)
        case .forward: step(choice, packet, confidence)
        case .late: fill(choice, packet, confidence)
        }
        return Decision(
            kind: choice.kind,
            track: Int32(
                truncatingIfNeeded: choice.kind == .first
                    ? lastSerial : tracks[choice.track].serial),
            gap: choice.gap, confidence: confidence)
    }

    /// Lets time pass: holes that are too old become losses, silent tracks overdue.
    @inline(__always)
    public mutating func advance(to instant: MonotonicInstant) {
        now = latest(instant)
        if holes.nextExpiry < now { expireHoles() }
        if timer.nextTurn <= now { timer.turn(to: now, &index, &tracks) }
    }

    /// The later of an instant and the latest time.
    @inline(__always)
    func latest(_ instant: MonotonicInstant) -> Int64 {
        max(now, min(instant.nanoseconds, Self.timeLimit))
    }

    @inline(never)
    private mutating func expireHoles() {
        while holes.nextExpiry < now { settle(holes.expireOldest()) }
    }

    /// Books what became of an entry that left the ledger.
    private mutating func settle(_ entry: HoleLedger.Entry?) {
        guard let entry, !entry.isDecoy else { return }
        lost &+= 1
        priors.learnLoss()
        if tracks[Int(entry.track)].serial == entry.serial {
            tracks[Int(entry.track)].lost &+= 1
        }
    }

    /// The bytes that its tables occupy.
    public var stateBytes: Int {
        tracks.capacity * MemoryLayout<CounterTrack>.stride + freeTracks.capacity * 2
            + index.stateBytes + holes.stateBytes + timer.stateBytes
            + MemoryLayout<CounterTracker>.size
    }
}

// MARK: The usual case

extension CounterTracker {
    /// The packet that one track expects, where nothing else stands: no other track within reach,
    /// of any class, and no hole.
    ///
    /// Nearly all packets of a stream whose counters are apart. The explanations are this track and
    /// a new one, so the confidence is the same as by `weigh`; what is saved is the asking.
    ///
    /// - Returns: nil where there is more to weigh.
    @inline(__always)
    private mutating func continueAlone(
        _ packet: Packet, _ area: NextNumberIndex.Neighbourhood
    ) -> Decision? {
        guard area.classes == 1 &<< UInt32(packet.hopClass), clock.isSilent else { return nil }
        let cell = index.lonelyCell(in: area, class: packet.hopClass)
        guard cell >= 0 else { return nil }
        let slot = Int(index.head(inCell: cell))
        guard tracks[slot].peers == 1, !tracks[slot].isOverdue, tracks[slot].packets >= 3,
            holes.isEmpty(at: packet.number)
        else { return nil }

        let seconds = Double(now &- tracks[slot].advanced) * 1e-9
        let weight =
            priors.gaps[1] * priors.same * (Double(tracks[slot].counted) + 1)
            / (Double(tracks[slot].elapsed) + seconds + priors.meanGap)
        let birth = birthWeight(packet)
        guard weight > birth, index.advance(cell) else { return nil }

        let confidence = weight / (weight + birth)
        confidenceSum += confidence
        priors.learnInOrder(confidence)
        steps &+= 1
        hazards += tracks[slot].stepAlone(to: packet, at: now, seconds, priors.meanGap)
        let serial = tracks[slot].serial
        if SilenceTimer.needsArming(tracks[slot]) { timer.arm(slot, &tracks) }
        return Decision(
            kind: .forward, track: Int32(truncatingIfNeeded: serial), gap: 1,
            confidence: confidence)
    }
}

extension CounterTrack {
    @inline(__always)
    fileprivate mutating func stepAlone(
        to packet: CounterTracker.Packet, at now: Int64, _ seconds: Double, _ meanGap: Double
    ) -> Double {
        countPacket()
        last = packet.number
        advanced = now
        seen = now
        identification = packet.identification
        hopLimit = packet.hopLimit
        mismatches = 0
        return pace(1, seconds, meanGap)
    }
}

// MARK: Tracks begin, step, fill holes and make room

extension CounterTracker {
    private mutating func begin(_ packet: Packet) {
        if tracks.count - freeTracks.count >= capacity { evict() }
        lastSerial &+= 1
        let track = CounterTrack(
            first: packet.number, at: now, serial: lastSerial,
            hopClass: classes.join(packet.hopLimit), hopLimit: packet.hopLimit,
            identification: packet.identification)
        let slot: Int
        if let free = freeTracks.popLast() {
            slot = Int(free)
            tracks[slot] = track
        } else {
            slot = tracks.count
            if slot == tracks.capacity {
                tracks.reserveCapacity(min(max(16, 2 * slot), capacity))
            }
            tracks.append(track)
        }
        hazards += tracks[slot].setHazard(priors.meanGap)
        index.insert(slot, &tracks)
        births.record(packet.number, age: now &- (firstArrival ?? now))
        singles += 1
        priors.wantRefresh()
    }

    @inline(__always)
    private mutating func step(_ choice: Choice, _ packet: Packet, _ confidence: Double) {
        let slot = choice.track
        count(slot, packet, confidence)
        if choice.gap == 1 {
            steps &+= 1
            colocated &+= UInt64(index.peers(of: slot, tracks) &- 1)
            if confidence > 0.9 { priors.learnStep() }
        } else {
            if confidence > 0.9 { priors.learnJump(gap: choice.gap) }
            openHoles(slot, packet.number, choice.gap)
        }
        let seconds = Double(now &- tracks[slot].advanced) * 1e-9
        hazards += tracks[slot].pace(Float(choice.gap), seconds, priors.meanGap)
        tracks[slot].advanced = now
        tracks[slot].identification = packet.identification
        index.move(slot, to: packet.number, &tracks)
        if SilenceTimer.needsArming(tracks[slot]) { timer.arm(slot, &tracks) }
    }

    private mutating func fill(_ choice: Choice, _ packet: Packet, _ confidence: Double) {
        let slot = choice.track
        count(slot, packet, confidence)
        let entry = holes.ring[choice.hole]
        holes.close(choice.hole)
        let lateness = now &- entry.opened
        if confidence > 0.9 { priors.learnFill(after: Double(lateness) * 1e-9) }
        fills &+= 1
        tracks[slot].reordered &+= 1
        // The packet that opened the hole is the earliest with a higher number (RFC 4737 §4.2.1).
        maximumExtent = max(maximumExtent, tracks[slot].packets &- entry.arrival)
        maximumLateness = max(maximumLateness, lateness)
    }

    /// Counts a packet for its track, and what its hop limit teaches.
    @inline(__always)
    private mutating func count(_ slot: Int, _ packet: Packet, _ confidence: Double) {
        tracks[slot].countPacket()
        if tracks[slot].packets <= 3 { promote(tracks[slot].packets) }
        tracks[slot].seen = now
        tracks[slot].hopLimit = packet.hopLimit
        if Int(tracks[slot].hopClass) == packet.hopClass {
            tracks[slot].mismatches = 0
            if confidence > 0.98 { priors.learnSameClass() }
        } else {
            mismatch(slot, packet, confidence)
        }
    }

    private mutating func promote(_ packets: UInt32) {
        if packets == 2 {
            singles -= 1
            doubles += 1
        } else {
            doubles -= 1
        }
    }

    /// A hop limit of another class; the third in a row is a new route.
    @inline(never)
    private mutating func mismatch(_ slot: Int, _ packet: Packet, _ confidence: Double) {
        if confidence > 0.98 { priors.learnOtherClass() }
        tracks[slot].mismatches += 1
        guard tracks[slot].mismatches >= 3 else { return }
        tracks[slot].mismatches = 0
        index.remove(slot, &tracks)
        classes.leave(tracks[slot].hopClass)
        tracks[slot].hopClass = classes.join(packet.hopLimit)
        index.insert(slot, &tracks)
    }

    @inline(never)
    private mutating func openHoles(_ slot: Int, _ number: UInt32, _ gap: Int) {
        let track = tracks[slot]
        let holeCount = min(gap - 1, 256)
        let delivered = Int(track.last &- track.first) + 1
        let decoyCount = min(holeCount, delivered)
        outage &+= UInt64(gap - 1 - holeCount)
        holesOpened &+= UInt64(holeCount)
        decoysOpened &+= UInt64(decoyCount)
        holes.reserve(holeCount + decoyCount)
        for below in stride(from: holeCount, to: 0, by: -1) {
            open(number &- UInt32(below), isDecoy: false, slot, track)
        }
        for below in 0..<decoyCount {
            open(track.last &- UInt32(below), isDecoy: true, slot, track)
        }
    }

    private mutating func open(
        _ number: UInt32, isDecoy: Bool, _ slot: Int, _ track: CounterTrack
    ) {
        if holes.isFull { settle(holes.expireOldest()) }
        holes.open(
            number, isDecoy: isDecoy, track: slot, serial: track.serial, arrival: track.packets,
            at: now)
    }

    /// Gives up the longest idle 1/64 of the tracks.
    ///
    /// Ages are put into 8 bins for each doubling, so that one pass finds which to give up; within
    /// the last bin, where ages differ by less than an eighth, any may go.
    @inline(never)
    private mutating func evict() {
        var wanted = max(1, capacity / 64)
        if ages.isEmpty { ages = ContiguousArray(repeating: 0, count: 512) }
        for bin in ages.indices { ages[bin] = 0 }
        for track in tracks where track.isLive { ages[ageBin(track)] += 1 }
        var last = 511
        var older = 0
        while last > 0, older + ages[last] < wanted {
            older += ages[last]
            last -= 1
        }
        var wantedOfLast = wanted - older
        for slot in tracks.indices where tracks[slot].isLive && wanted > 0 {
            let bin = ageBin(tracks[slot])
            guard bin > last || (bin == last && wantedOfLast > 0) else { continue }
            if bin == last { wantedOfLast -= 1 }
            wanted -= 1
            retire(slot)
        }
    }

    private func ageBin(_ track: CounterTrack) -> Int {
        let age = UInt64(max(now &- track.advanced, 0)) | 8
        let exponent = 63 - age.leadingZeroBitCount
        return exponent << 3 | Int(age >> UInt64(exponent - 3)) & 7
    }

    private mutating func retire(_ slot: Int) {
        switch tracks[slot].packets {
        case 1: singles -= 1
        case 2: doubles -= 1
        default: retired += 1
        }
        timer.disarm(slot, &tracks)
        index.remove(slot, &tracks)
        classes.leave(tracks[slot].hopClass)
        tracks[slot].packets = 0
        hazards -= Double(tracks[slot].hazard)
        // No entry of the ledger may find its track in the next one of the slot.
        tracks[slot].serial = 0
        freeTracks.append(UInt16(slot))
    }
}
