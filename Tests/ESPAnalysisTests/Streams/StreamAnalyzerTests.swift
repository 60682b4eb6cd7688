import ESPSimulation
import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import ESPAnalysis

@Suite
struct StreamAnalyzerTests {
    private static func stream(
        _ senders: Int, iv: ESPStreamSimulation.IVMode = .seqiv, seconds: Double = 10,
        adjust: (inout ESPStreamSimulation) -> Void = { _ in }
    ) -> SimulatedESPStream {
        ESPStreamSimulation(senders: senders, packetsPerSecond: 2000, duration: seconds, seed: 21) {
            $0.iv = iv
            adjust(&$0)
        }.run()
    }

    // MARK: Names

    @Test(arguments: [1, 4, 60, 1500])
    func `with names every figure is the truth`(senders: Int) throws {
        let stream = Self.stream(senders) {
            $0.loss = 0.02
            $0.reorder = 0.02
            $0.duplication = 0.01
            $0.zipf = 0.7
            $0.start = .random
        }
        let report = try Observed.report(of: stream.packets.map { $0.observation() })
        let truth = stream.truth
        #expect(report.senders.method == .iv)
        #expect(report.senders.family == .xor)
        #expect(report.senders.estimate == truth.activeSenders)
        #expect(report.senders.confidence == 1)
        #expect(report.senders.reason == nil)
        #expect(report.reordering.senderPackets == UInt64(truth.reordered))
        #expect(report.senderReorderedTotal == UInt64(truth.reordered))
        #expect(report.duplicates == DuplicateCounts(network: UInt64(truth.duplicates)))
        let lost = try #require(report.lostPackets)
        // Nothing tells of packets lost before a sender's first or after its last.
        #expect(lost <= truth.lost && Int(lost) >= truth.lost * 4 / 5 - senders / 10)
        #expect(report.lostTotal == lost)
        #expect(report.topSenders.count == min(512, truth.activeSenders))
        #expect(report.topSenders.allSatisfy { $0.name.count == 16 })
        let biggest = truth.senders.map(\.received).sorted(by: >)
        #expect(report.topSenders.map { Int($0.packets) } == Array(biggest.prefix(512)))
        let shares = report.topSenders.reduce(0) { $0 + $1.share }
        #expect(shares <= 1 + 1e-9)
    }

    @Test func `a sender that is given a new salt counts as another`() throws {
        let stream = Self.stream(5) { $0.loss = 0.01 }
        let packets = stream.packets.map { packet in
            var observation = packet.observation()
            if packet.sender == 2, packet.arrival > 5_000_000_000 {
                observation.initializationVector = packet.initializationVector ^ 0xdead_beef << 20
            }
            return observation
        }
        let report = try Observed.report(of: packets)
        #expect(report.senders.method == .iv)
        #expect(report.senders.estimate == 6)
    }

    @Test func `IVs of which some name nobody are given up, and counters followed`() throws {
        for share in [0.5, 0.1, 0.02] {
            var random = SeededGenerator(seed: 77)
            let packets = Self.stream(10).packets.map { packet in
                var observation = packet.observation()
                if random.unit() < share { observation.initializationVector = random.next() }
                return observation
            }
            let report = try Observed.report(of: packets)
            #expect(report.senders.method == .counters, "\(share)")
            #expect(report.senders.estimate == 10)
            #expect(
                report.senders.reason == "the IVs name senders that the sequence numbers contradict"
                    || share == 0.5)
        }
    }

    @Test func `a name that several senders share is given up when they show`() throws {
        // Alone at first, so that the IV names one sender; then three others use the same prefix.
        var packets: [ESPObservation] = []
        for place in 0..<40_000 {
            let sender = place < 3000 ? 0 : place % 4
            let sequence = UInt32(
                sender * 1_000_000 + (sender == 0 && place < 3000 ? place : 750 + place / 4) + 3000)
            packets.append(
                Observed.packet(
                    sequence, at: Double(place) / 2, iv: 0x7777 << 48 | UInt64(place) &* 7919,
                    identity: UInt64(place)))
        }
        let report = try Observed.report(of: packets)
        #expect(report.senders.method == .counters)
        #expect(report.senders.estimate == 4)
        #expect(report.verdicts.map(\.kind) == [.multiSender])
    }

    @Test func `says why no IV names the senders`() throws {
        let packets = Self.stream(3, iv: .random).packets.map { $0.observation() }
        #expect(
            try Observed.report(of: Array(packets.prefix(100))).senders.reason
                == "too few packets to tell whether the IVs name the senders")
        #expect(
            try Observed.report(of: packets).senders.reason == "the IVs do not name the senders")
        let short = packets.map { packet in
            var packet = packet
            packet.initializationVector = nil
            return packet
        }
        let report = try Observed.report(of: short)
        #expect(report.senders.reason == "the capture is too short to hold the IVs")
        #expect(report.senders.family == nil)
        #expect(report.senders.estimate == 3)
    }

    // MARK: Counters

    @Test func `without names loss and reordering are told where they can be`() throws {
        let stream = Self.stream(20, iv: .random, seconds: 30) {
            $0.loss = 0.02
            $0.reorder = 0.02
            $0.start = .random
        }
        let report = try Observed.report(of: stream.packets.map { $0.observation() })
        let lost = try #require(report.lostPackets)
        let reordered = try #require(report.reordering.senderPackets)
        #expect(abs(Double(lost) / Double(stream.truth.lost) - 1) < 0.1)
        #expect(abs(Double(reordered) / Double(stream.truth.reordered) - 1) < 0.1)
        #expect(report.unidentifiableBecause == nil)
        #expect(report.topSenders.count == 20)
        #expect(report.topSenders.allSatisfy { $0.lost != nil && $0.name.hasPrefix("#") })
        let each = try #require(report.windowsPerSender)
        #expect(each.map(\.window) == Observed.windows)
        #expect(each[0].wouldDrop < report.windows[0].wouldDrop)
        #expect(each[2].wouldDrop == 0)
    }

    @Test func `where senders meet nothing is told of single ones, with the reason`() throws {
        let stream = Self.stream(300, iv: .random) { $0.start = .lock }
        let report = try Observed.report(of: stream.packets.map { $0.observation() })
        let confidence = try #require(report.senders.confidence)
        #expect(confidence < 0.95)
        #expect(report.lostPackets == nil)
        #expect(report.outagePackets == nil)
        #expect(report.reordering.senderPackets == nil)
        #expect(report.windowsPerSender == nil)
        #expect(report.lostTotal == 0)
        let reason = try #require(report.unidentifiableBecause)
        #expect(reason.hasPrefix("not identifiable: a packet's sender is sure to"))
        #expect(report.topSenders.allSatisfy { $0.lost == nil && $0.reordered == nil })
        #expect(report.senders.atLeast > 280)
    }

    @Test func `one sender is measured exactly, whatever its IVs`() throws {
        for skew in [20.0, 100, 300] {
            let stream = Self.stream(1, iv: .random) {
                $0.reorder = 0.5
                $0.reorderMilliseconds = skew...skew + 1
                $0.loss = 0.01
            }
            let report = try Observed.report(of: stream.packets.map { $0.observation() })
            #expect(report.senders.estimate == 1)
            #expect(report.senders.activeLastMinute == 1)
            #expect(report.reordering.senderPackets == UInt64(stream.truth.reordered))
            #expect(report.reordering.outOfOrder == UInt64(stream.truth.reordered))
            let lost = try #require(report.lostPackets)
            #expect(abs(Int(lost) - stream.truth.lost) <= 12)
            #expect(report.topSenders.map(\.name) == ["#1"])
        }
    }

    @Test func `totals never fall, and stand still while senders are not identifiable`() {
        // Apart at first, then in lock-step: what is lost then cannot be told.
        let apart = Self.stream(10, iv: .random) {
            $0.loss = 0.05; $0.start = .random
        }
        let together = Self.stream(300, iv: .random, seconds: 60) {
            $0.loss = 0.05; $0.start = .lock
        }
        var table = PacketIdentityTable(capacity: 1 << 20, seed: 7)
        var analyzer = Observed.analyzer()
        var totals: [UInt64] = [0]
        var known: [Bool] = []
        let packets =
            apart.packets
            + together.packets.map { packet in
                var packet = packet
                packet.arrival += 10_000_000_000
                packet.identity ^= 1
                return packet
            }
        for (place, packet) in packets.enumerated() {
            analyzer.receive(packet.observation(), identities: &table)
            guard place % 2000 == 1999 else { continue }
            let report = analyzer.report(at: analyzer.lastArrival, senderLimit: 0)
            #expect(report.topSenders.isEmpty)
            #expect(report.lostTotal >= totals[totals.count - 1])
            if report.lostPackets == nil { #expect(report.lostTotal == totals[totals.count - 1]) }
            totals.append(report.lostTotal)
            known.append(report.lostPackets != nil)
        }
        #expect(known.contains(true) && known.contains(false))
        #expect(totals[totals.count - 1] > 500)
    }

    // MARK: The stream as a whole

    @Test func `knows the birth of an SA`() throws {
        func report(_ first: UInt32) throws -> StreamReport {
            try Observed.report(
                of: (first..<first + 40).map { Observed.packet($0, at: Double($0)) })
        }
        #expect(try report(1).startsAtBirth)
        #expect(try report(5).startsAtBirth)
        #expect(try !report(9).startsAtBirth)
    }

    @Test func `sums up length classes to the whole`() throws {
        var random = SeededGenerator(seed: 12)
        let stream = Self.stream(8, iv: .random) {
            $0.reorder = 0.05; $0.duplication = 0.01
        }
        let packets = stream.packets.map { packet in
            let kind = random.unit()
            let length =
                kind < 0.5
                ? 1464 : kind < 0.8 ? 140 : kind < 0.9 ? 108 : Int(random.below(1600)) + 60
            return packet.observation(length: length)
        }
        let report = try Observed.report(of: packets)
        #expect(report.lengthClasses.count <= 8)
        #expect(report.lengthClasses[0].lengths.contains(1464))
        #expect(report.lengthClasses[1].lengths.contains(140))
        #expect(report.lengthClasses[1].lengths.count <= 4)
        let sorted = report.lengthClasses.sorted { $0.lengths.lowerBound < $1.lengths.lowerBound }
        for (left, right) in zip(sorted, sorted.dropFirst()) {
            #expect(left.lengths.upperBound < right.lengths.lowerBound)
        }
        #expect(report.lengthClasses.reduce(0) { $0 + $1.packets } == report.packets)
        for (place, window) in report.windows.enumerated() {
            let classes = report.lengthClasses.map { $0.windows[place] }
            #expect(classes.allSatisfy { $0.window == window.window })
            #expect(classes.reduce(0) { $0 + $1.tooOld } == window.tooOld)
            #expect(classes.reduce(0) { $0 + $1.alreadySeen } == window.alreadySeen)
        }
    }

    @Test func `copies count in the windows and nowhere else`() throws {
        let stream = Self.stream(3) {
            $0.loss = 0.01; $0.reorder = 0.01
        }
        let once = stream.packets.map { $0.observation() }
        let twice = once.flatMap { [$0, $0] }
        var report = try Observed.report(of: twice)
        let expected = try Observed.report(of: once)
        #expect(report.packets == 2 * expected.packets)
        #expect(report.duplicates.capture == expected.packets)
        #expect(report.windows[0].alreadySeen > expected.windows[0].alreadySeen)
        #expect(report.verdicts.map(\.kind).contains(.captureDuplication))
        report.packets = expected.packets
        report.bytes = expected.bytes
        report.duplicates = expected.duplicates
        report.windows = expected.windows
        report.lengthClasses = expected.lengthClasses
        report.verdicts = expected.verdicts
        #expect(report == expected)
    }

    @Test func `tells sources, first fragments and octets`() throws {
        var packets = (1...UInt32(100)).map { number in
            Observed.packet(number, at: Double(number), source: 0x0a00_0000 + number % 20)
        }
        packets[3].isFragment = true
        let report = try Observed.report(of: packets)
        #expect(report.sources.count == 16)
        #expect(report.sources == report.sources.sorted { $0.description < $1.description })
        #expect(report.fragments == 1)
        #expect(report.bytes == 14_000)
    }

    @Test func `number 0 is nobody's`() throws {
        var packets = (1...UInt32(1000)).map { Observed.packet($0, at: Double($0)) }
        for place in stride(from: 10, to: 1000, by: 100) {
            packets[place].sequence = 0
            packets[place].identity = UInt64(place)
        }
        let report = try Observed.report(of: packets)
        #expect(report.windows.allSatisfy { $0.zero == 10 })
        #expect(report.senders.estimate == 1)
        #expect(report.collisions == 0)
        let none = try Observed.report(of: [
            Observed.packet(0, at: 0), Observed.packet(0, at: 1, identity: 5),
        ])
        #expect(none.senders.estimate == nil)
        #expect(none.senders.reason != nil)
        #expect(none.verdicts.map(\.kind) == [.clean])
    }

    @Test func `copies that the table forgot do not prove a second sender`() throws {
        // One sender; of each thousandth packet a copy comes 5 000 packets later.
        var packets: [ESPObservation] = []
        for number in 1...UInt32(60_000) {
            packets.append(Observed.packet(number, at: Double(number) / 4))
            if number > 5000, number % 1000 == 0 {
                packets.append(packets[packets.count - 5000])
                packets[packets.count - 1].arrival = packets[packets.count - 2].arrival
            }
        }
        let forgetful = try Observed.report(of: packets, identityCapacity: 1 << 9)
        #expect(forgetful.collisions > 40)
        #expect(forgetful.verdicts.first?.grade == .likely)
        let mindful = try Observed.report(of: packets, identityCapacity: 1 << 17)
        #expect(mindful.collisions == 0)
        #expect(mindful.duplicates.replay > 40)
        #expect(mindful.verdicts.map(\.kind) == [.replaySuspected, .singleSender])
    }
}
