import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import ESPAnalysis

/// What must hold between the tables of a tracker, whatever came in.
@Suite struct CounterTrackerInvariantTests {
    /// A stream of everything at once: few and many counters, jumps, wraps, hop limits, silence.
    private func feed(
        seed: UInt64, packets: Int, capacity: Int, check: (inout CounterTracker) -> Void
    ) {
        var random = SeededGenerator(seed: seed)
        var tracker = CounterTracker(seed: seed, capacity: capacity)
        var counters = (0..<200).map { _ in
            random.chance(0.5)
                ? UInt32(random.below(80)) : UInt32(truncatingIfNeeded: random.next())
        }
        counters[0] = .max - 40
        var time: Int64 = 0
        for packet in 0..<packets {
            time += random.below(500_000)
            if random.chance(0.0003) { time += random.below(4_000_000_000) }
            let counter = Int(random.below(200) * random.below(200) / 200)
            switch random.below(100) {
            case 0: counters[counter] = UInt32(random.below(500))
            case 1...4: counters[counter] &+= UInt32(random.below(70))
            case 5: counters[counter] &-= UInt32(random.below(9))
            default: counters[counter] &+= 1
            }
            _ = tracker.receive(
                counters[counter], at: MonotonicInstant(nanoseconds: time),
                hopLimit: random.chance(0.01)
                    ? UInt8(truncatingIfNeeded: random.next()) : UInt8(40 + counter % 25),
                identification: UInt16(truncatingIfNeeded: random.next()))
            if packet % 997 == 0 { check(&tracker) }
        }
        check(&tracker)
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `the index holds every track at its place, and nothing else`(seed: UInt64) {
        var random = SeededGenerator(seed: seed &+ 99)
        feed(seed: seed, packets: 20_000, capacity: 300) { tracker in
            var places: [UInt64: Int] = [:]
            for slot in tracker.tracks.indices where tracker.tracks[slot].isLive {
                let track = tracker.tracks[slot]
                let key = UInt64(track.hopClass) << 32 | UInt64(track.last)
                places[key, default: 0] += 1
                let head = tracker.index.head(class: Int(track.hopClass), at: track.last)
                var ring: [Int] = []
                var at = head
                repeat {
                    ring.append(Int(at))
                    at = tracker.tracks[Int(at)].next
                } while at != head && ring.count <= 300
                #expect(ring.contains(slot))
                #expect(ring.count == tracker.index.peers(of: slot, tracker.tracks))
                #expect(ring.allSatisfy { tracker.tracks[$0].last == track.last })
                #expect(ring.allSatisfy { tracker.tracks[$0].hopClass == track.hopClass })
            }
            for _ in 0..<20 {
                let live = tracker.tracks.indices.filter { tracker.tracks[$0].isLive }
                let track = tracker.tracks[live[Int(random.below(Int64(live.count)))]]
                let number = track.last &+ UInt32(random.below(70))
                let area = tracker.index.neighbourhood(below: number)
                for hopClass in 0..<HopLimitClasses.limit {
                    let standing =
                        area.classes & (1 << UInt32(hopClass)) == 0
                        ? 0 : tracker.index.standing(in: area, class: hopClass)
                    for gap in 1...64 {
                        let key = UInt64(hopClass) << 32 | UInt64(number &- UInt32(gap))
                        let isThere = standing & (1 << UInt64(64 - gap)) != 0
                        #expect(isThere == (places[key] != nil))
                    }
                }
            }
        }
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `a search for overdue tracks finds all within 4 096`(seed: UInt64) {
        feed(seed: seed, packets: 20_000, capacity: 300) { tracker in
            for target in tracker.tracks.prefix(40) where target.isLive {
                let number = target.last &+ 17
                var wanted: Set<UInt32> = []
                for track in tracker.tracks
                where track.isLive && track.isOverdue && track.hopClass == target.hopClass {
                    if number &- track.last >= 1, number &- track.last <= 4096 {
                        wanted.insert(track.last)
                    }
                }
                var found: [UInt32] = []
                tracker.index.forEachOverdueCell(
                    class: Int(target.hopClass), below: number
                ) { cell, _ in
                    found.append(cell)
                    return true
                }
                #expect(wanted.isSubset(of: Set(found)))
                let distances = found.map { number &- $0 }
                #expect(distances == distances.sorted())
                #expect(Set(found).count == found.count)
                #expect(distances.allSatisfy { $0 >= 1 && $0 <= 4096 })
            }
        }
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `silent tracks are overdue and others are not`(seed: UInt64) {
        feed(seed: seed, packets: 20_000, capacity: 300) { tracker in
            for track in tracker.tracks where track.isLive {
                guard let due = track.overdueAt else {
                    #expect(!track.isOverdue)
                    continue
                }
                if track.isOverdue { #expect(due <= tracker.now) }
                // The wheel turns every 1.05 ms, and a class that changes waits for its next step.
                if due < tracker.now - 8_000_000, track.mismatches == 0,
                    track.timerSlot != CounterTrack.none
                {
                    Issue.record("due \(tracker.now - due) ns ago and still on the wheel")
                }
            }
        }
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `the sum of hazards bounds the hazards`(seed: UInt64) {
        feed(seed: seed, packets: 20_000, capacity: 300) { tracker in
            let sum = tracker.tracks.reduce(0.0) { $1.isLive ? $0 + Double($1.hazard) : $0 }
            #expect(abs(sum - tracker.hazards) < 1e-6 * max(1, sum))
            let bound = tracker.hazards * tracker.priors.shrinkage
            let real = tracker.tracks.reduce(0.0) { total, track in
                guard track.isLive else { return total }
                let silent = Double(tracker.now - track.advanced) * 1e-9
                return total + (Double(track.counted) + 1)
                    / (Double(track.elapsed) + silent + tracker.priors.meanGap)
            }
            #expect(real <= bound * 1.000_01)
        }
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `every packet is counted once`(seed: UInt64) {
        feed(seed: seed, packets: 20_000, capacity: 300) { tracker in
            let live = tracker.tracks.filter(\.isLive)
            #expect(live.count <= 300)
            #expect(live.count == tracker.tracks.count - tracker.freeTracks.count)
            #expect(live.count { $0.packets == 1 } == tracker.singles)
            #expect(live.count { $0.packets == 2 } == tracker.doubles)
            #expect(Set(live.map(\.serial)).count == live.count)
            #expect(tracker.holes.count <= HoleLedger.limit)
        }
    }

    @Test func `the decay table is the exponential`() {
        let decay = DecayTable()
        var exact = 1.0
        // e^(−1/64) by its series.
        let step = 1 - 1 / 64.0 + 1 / 8192.0 - 1 / 1_572_864.0 + 1 / 402_653_184.0
        for index in 0..<2_000 {
            #expect(abs(decay(Double(index) / 64) - exact) < 3e-6 * exact)
            exact *= step
        }
        #expect(decay(1e9) == 0)
    }

    @Test func `the table of numbers is a map`() {
        var random = SeededGenerator(seed: 12)
        var table = SequenceTable(seed: 1)
        var truth: [UInt32: Int] = [:]
        for _ in 0..<50_000 {
            let key = UInt32(random.below(700)) &* 64
            if truth.removeValue(forKey: key) != nil {
                table.remove(key)
            } else {
                let value = Int(random.below(60_000))
                truth[key] = value
                table.insert(key, value)
            }
            let probe = UInt32(random.below(700)) &* 64
            #expect(table.find(probe) == truth[probe] ?? -1)
        }
        #expect(table.count == truth.count)
    }

    @Test func `the ledger knows the holes at a number, oldest first, and lets them expire`() {
        var random = SeededGenerator(seed: 13)
        var ledger = HoleLedger(seed: 1)
        var open: [(number: UInt32, isDecoy: Bool, opened: Int64)] = []
        for time in 0..<20_000 as Range<Int64> {
            let now = time * 1_000_000
            while ledger.nextExpiry < now {
                let entry = ledger.expireOldest()
                if let entry {
                    #expect(entry.opened == open.first?.opened)
                    #expect(entry.number == open.first?.number)
                    open.removeFirst()
                }
            }
            #expect(open.allSatisfy { now - $0.opened <= HoleLedger.lifetime })
            let number = UInt32(random.below(40))
            let isDecoy = random.chance(0.5)
            ledger.reserve(1)
            ledger.open(number, isDecoy: isDecoy, track: 0, serial: 1, arrival: 1, at: now)
            open.append((number, isDecoy, now))
            let probe = UInt32(random.below(40))
            let heads = ledger.heads(at: probe)
            let hole = open.first { $0.number == probe && !$0.isDecoy }
            let decoy = open.first { $0.number == probe && $0.isDecoy }
            #expect((heads.hole < 0 ? nil : ledger.ring[heads.hole].opened) == hole?.opened)
            #expect((heads.decoy < 0 ? nil : ledger.ring[heads.decoy].opened) == decoy?.opened)
            if heads.hole >= 0, random.chance(0.7) {
                ledger.close(heads.hole)
                open.removeAll { $0.opened == hole?.opened }
            }
        }
    }

    @Test func `a full ledger lets its oldest expire early`() {
        var tracker = CounterTracker(seed: 1)
        // 4 000 counters that jump by 30 within half a second: 29 holes and as many decoys each.
        for step: UInt32 in 0..<40 {
            for counter: UInt32 in 0..<4000 {
                _ = tracker.receive(
                    counter * 1_000_000 + 1_000 + step, at: .zero, hopLimit: 57, identification: 0)
            }
        }
        for counter: UInt32 in 0..<4000 {
            _ = tracker.receive(
                counter * 1_000_000 + 1_000 + 40 + 10, at: .zero, hopLimit: 57, identification: 0)
        }
        #expect(tracker.holes.count <= HoleLedger.limit)
        #expect(tracker.holesOpened + tracker.decoysOpened > UInt64(HoleLedger.limit))
        tracker.advance(to: MonotonicInstant(nanoseconds: 1_000_000_000))
        #expect(tracker.lost == tracker.holesOpened)
        #expect(tracker.stateBytes < 7 << 20)
    }

    @Test func `as many tracks as there may be take less than three megabytes`() {
        var random = SeededGenerator(seed: 14)
        var tracker = CounterTracker(seed: 1)
        for packet in 0..<20_000 as Range<Int64> {
            _ = tracker.receive(
                UInt32(truncatingIfNeeded: random.next()),
                at: MonotonicInstant(nanoseconds: packet * 1_000), hopLimit: 57, identification: 0)
        }
        #expect(tracker.tracks.count == 8192)
        #expect(tracker.stateBytes < 3_000_000)
    }

    @Test func `hop limits beyond the nineteenth share a class`() {
        var classes = HopLimitClasses()
        let own = (0..<19 as Range<UInt8>).map { classes.join(100 + $0) }
        #expect(Set(own).count == 19)
        #expect(classes.join(200) == UInt8(HopLimitClasses.rest))
        #expect(classes.number(of: 201) == HopLimitClasses.rest)
        // A class whose last track is gone is free for another hop limit.
        classes.leave(own[3])
        #expect(classes.number(of: 103) == HopLimitClasses.rest)
        #expect(classes.join(201) == own[3])
        #expect(classes.number(of: 201) == Int(own[3]))
    }
}
