// What may have sent a packet, each with its hazard: the rate at which such packets come by that
// way (§6). The packet goes to the largest; its share of the sum is the confidence.
//
// All of it is `mutating`, though little of it changes anything: what is not mutating gets a copy of
// the whole tracker, a kilobyte for each call.
extension CounterTracker {
    /// What a packet shows.
    struct Packet {
        let number: UInt32
        let hopLimit: UInt8
        let identification: UInt16
        let hopClass: Int
    }

    /// The best explanation so far.
    struct Choice {
        var total = 0.0
        var weight = 0.0
        var kind = Decision.Kind.first
        var track = -1
        var gap = 0
        /// The hole's place in the ledger.
        var hole = -1
        /// The best decoy, which wins nothing but is counted.
        var decoyWeight = 0.0
        var decoy = -1

        @inline(__always)
        mutating func consider(forward track: Int, gap: Int, weight new: Double) {
            total += new
            guard new > weight else { return }
            weight = new
            kind = .forward
            self.track = track
            self.gap = gap
        }
    }

    @inline(__always)
    mutating func weigh(_ packet: Packet, _ area: NextNumberIndex.Neighbourhood) -> Choice {
        var choice = Choice()
        var isExpected = false
        var reach = 0
        let own = UInt32(1) &<< UInt32(packet.hopClass)
        if area.classes & own != 0 {
            (isExpected, reach) = weighOwnClass(packet, area, &choice)
        }
        if area.classes & ~own != 0 {
            weighOtherClasses(packet, area, area.classes & ~own, isExpected, &choice)
        }
        if !isExpected { weighOverdue(packet, knownTo: reach, &choice) }
        weighHoles(packet, &choice)
        weighBirth(packet, &choice)
        return choice
    }

    /// Tracks of the packet's class at the four nearest numbers below it.
    @inline(__always)
    private mutating func weighOwnClass(
        _ packet: Packet, _ area: NextNumberIndex.Neighbourhood, _ choice: inout Choice
    ) -> (isExpected: Bool, reach: Int) {
        // The first 59 numbers below; a longer jump weighs nothing.
        var standing = index.standing(in: area, class: packet.hopClass) & ~0x1f
        let isExpected = standing &>> 63 != 0
        if isExpected, clock.mode == .learning { learnIdentification(packet, area) }
        var reach = 0
        var left = 4
        while standing != 0, left > 0 {
            let skip = standing.leadingZeroBitCount
            standing &= ~(0x8000_0000_0000_0000 &>> UInt64(truncatingIfNeeded: skip))
            left &-= 1
            reach = skip &+ 1
            let head = index.head(in: area, class: packet.hopClass, gap: reach)
            weighRing(
                packet, head, gap: reach, match: priors.same,
                limit: reach == 1 ? clock.peersAsked : 2, &choice)
        }
        return (isExpected, reach)
    }

    /// Tracks of each other class at the nearest number below the packet.
    ///
    /// Where routes are steady they weigh next to nothing, however many there are. All of them
    /// together cannot weigh more than the sum of all hazards times the chance of the packet's
    /// hop limit on another's track. If that is less than the best so far and than 1/1 000 of the
    /// total, it goes into the total in their place: the best stays the best, and the confidence
    /// is too low by less than 0.001, and never too high.
    @inline(__always)
    private mutating func weighOtherClasses(
        _ packet: Packet, _ area: NextNumberIndex.Neighbourhood, _ others: UInt32,
        _ isExpected: Bool, _ choice: inout Choice
    ) {
        let share = (classes.packets(with: packet.hopLimit) + 1) * priors.perPacket
        let bound = priors.other * share * hazards * priors.shrinkage
        if bound < 0.001 * choice.total, bound < choice.weight, clock.mode != .counting {
            choice.total += max(bound, 0)
        } else {
            weighEachOtherClass(packet, area, others, isExpected, &choice)
        }
    }

    @inline(never)
    private mutating func weighEachOtherClass(
        _ packet: Packet, _ area: NextNumberIndex.Neighbourhood, _ others: UInt32,
        _ isExpected: Bool, _ choice: inout Choice
    ) {
        let share = (classes.packets(with: packet.hopLimit) + 1) / (Double(packets) + 30)
        let match = priors.other * share
        // Where the packet's own class expects it, they are wanted for the total only, and the mean
        // of two will do for a ring.
        let limit = isExpected && clock.isSilent ? 2 : clock.peersAsked
        var left = others
        while left != 0 {
            let hopClass = left.trailingZeroBitCount
            left &= left &- 1
            let standing = index.standing(in: area, class: hopClass) & ~0x1f
            guard standing != 0 else { continue }
            let gap = standing.leadingZeroBitCount &+ 1
            let head = index.head(in: area, class: hopClass, gap: gap)
            weighRing(packet, head, gap: gap, match: match, limit: gap == 1 ? limit : 2, &choice)
        }
    }

    /// The tracks at one number, oldest first: some are weighed, the rest count by their mean.
    @inline(__always)
    private mutating func weighRing(
        _ packet: Packet, _ head: UInt16, gap: Int, match: Double, limit: Int,
        _ choice: inout Choice
    ) {
        let peers = Int(tracks[Int(head)].peers)
        let before = choice.total
        var at = Int(head)
        var left = min(limit, peers)
        let gapWeight = priors.gaps[gap] * match
        while true {
            let elapsed = now &- tracks[at].advanced
            let seconds = Double(elapsed) * 1e-9
            var weight = gapWeight
            if gap > 2 { weight += outageWeight(at, gap: gap, seconds) * match }
            weight *=
                (Double(tracks[at].counted) + 1)
                / (Double(tracks[at].elapsed) + seconds + priors.meanGap)
            if clock.mode == .counting {
                weight *= clock.weight(
                    packet.identification, tracks[at], gap: gap, after: elapsed)
            }
            choice.consider(forward: at, gap: gap, weight: weight)
            left &-= 1
            if left == 0 { break }
            at = Int(tracks[at].next)
        }
        if peers > limit {
            choice.total += (choice.total - before) * Double(peers - limit) / Double(limit)
        }
    }

    /// How likely a silent track, had it gone on as before, would stand `gap` further now.
    @inline(__always)
    private mutating func outageWeight(_ slot: Int, gap: Int, _ seconds: Double) -> Double {
        guard tracks[slot].packets >= 8, tracks[slot].elapsed > 0 else { return 0 }
        let elapsed = Double(tracks[slot].elapsed)
        guard Double(tracks[slot].counted) * seconds > 3 * elapsed, gap <= 4_096 else { return 0 }
        return normal(gap, around: Double(tracks[slot].counted) / elapsed * seconds)
    }

    @inline(never)
    private mutating func normal(_ gap: Int, around mean: Double) -> Double {
        let variance = mean + 4 + 0.04 * mean * mean
        let distance = Double(gap) - mean
        return priors.outage * decay(0.5 * distance * distance / variance)
            / (2.5066 * variance.squareRoot())
    }

    /// Tracks that have been silent for long and whose outage may end here, for a packet that no
    /// track of its class expects.
    ///
    /// Up to the gap `reach` tracks have been weighed already.
    @inline(never)
    private mutating func weighOverdue(_ packet: Packet, knownTo reach: Int, _ choice: inout Choice)
    {
        var left = 16
        var found = choice
        index.forEachOverdueCell(class: packet.hopClass, below: packet.number) { number, head in
            guard head != CounterTrack.none else { return true }
            let gap = Int(packet.number &- number)
            // The first two of a near ring have been weighed, their outage included.
            var known = gap <= reach ? 2 : 0
            var at = Int(head)
            for _ in 0..<32 {
                if tracks[at].isOverdue {
                    if known <= 0 {
                        let elapsed = now &- tracks[at].advanced
                        let seconds = Double(elapsed) * 1e-9
                        let rate =
                            Double(tracks[at].counted) / max(Double(tracks[at].elapsed), 1e-6)
                        let weight =
                            rate * priors.same * outageWeight(at, gap: gap, seconds)
                            * clock.weight(
                                packet.identification, tracks[at], gap: gap, after: elapsed)
                        found.consider(forward: at, gap: gap, weight: weight)
                    }
                    left -= 1
                    if left == 0 { return false }
                }
                known -= 1
                at = Int(tracks[at].next)
                if at == Int(head) { break }
            }
            return true
        }
        choice = found
    }

    @inline(__always)
    private mutating func weighHoles(_ packet: Packet, _ choice: inout Choice) {
        let heads = holes.heads(at: packet.number)
        if heads.hole >= 0 { weighLate(packet, heads.hole, isDecoy: false, &choice) }
        if heads.decoy >= 0 { weighLate(packet, heads.decoy, isDecoy: true, &choice) }
    }

    /// The six oldest holes, or decoys, at the packet's number.
    @inline(never)
    private mutating func weighLate(
        _ packet: Packet, _ head: Int, isDecoy: Bool, _ choice: inout Choice
    ) {
        var at = head
        for _ in 0..<6 {
            let entry = holes.ring[at]
            let track = tracks[Int(entry.track)]
            if track.serial == entry.serial {
                let elapsed = now &- entry.opened
                let age = Double(elapsed) * 1e-9
                let timely =
                    0.95 * decay(age * priors.inverseLateness) * priors.inverseLateness + 0.1
                let behind = Int(track.last &- packet.number)
                let weight =
                    priors.fillChance * timely * match(packet, track)
                    * clock.weight(packet.identification, track, gap: -behind, after: elapsed)
                if isDecoy {
                    if weight > choice.decoyWeight {
                        choice.decoyWeight = weight
                        choice.decoy = at
                    }
                } else {
                    choice.total += weight
                    if weight > choice.weight {
                        choice.weight = weight
                        choice.kind = .late
                        choice.track = Int(entry.track)
                        choice.gap = behind
                        choice.hole = at
                    }
                }
            }
            at = Int(entry.next)
            if at == head { break }
        }
    }

    private mutating func match(_ packet: Packet, _ track: CounterTrack) -> Double {
        Int(track.hopClass) == packet.hopClass
            ? priors.same
            : priors.other * (classes.packets(with: packet.hopLimit) + 1) / (Double(packets) + 30)
    }

    @inline(__always)
    private mutating func weighBirth(_ packet: Packet, _ choice: inout Choice) {
        let weight = birthWeight(packet)
        choice.total += weight
        if weight > choice.weight {
            choice.weight = weight
            choice.kind = .first
            choice.track = -1
            choice.gap = 0
        }
    }

    /// A counter not seen before, by Good and Turing: as likely as counters seen once are among
    /// the packets.
    @inline(__always)
    mutating func birthWeight(_ packet: Packet) -> Double {
        let rate =
            packets > 20
            ? (Double(singles) + 0.5) * priors.perElapsed
            : 0.5 * Double(packets) * priors.perElapsed
        return rate * births.density(at: packet.number)
            * (classes.packets(with: packet.hopLimit) * priors.perPacket)
    }

    /// Asks whether any track that expects the packet fits its identification.
    @inline(never)
    private mutating func learnIdentification(
        _ packet: Packet, _ area: NextNumberIndex.Neighbourhood
    ) {
        let head = index.head(in: area, class: packet.hopClass, gap: 1)
        var test = IdentificationClock.Test(identification: packet.identification)
        var at = head
        for _ in 0..<clock.peersAsked {
            test.ask(
                tracks[Int(at)], identification: packet.identification,
                after: now &- tracks[Int(at)].advanced)
            at = tracks[Int(at)].next
            if at == head { break }
        }
        clock.learn(test)
    }
}
