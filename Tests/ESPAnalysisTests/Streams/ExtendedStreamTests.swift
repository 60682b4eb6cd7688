import NetworkPrimitives
import Testing

@testable import ESPAnalysis

/// Extended sequence numbers, RFC 4303 §2.2.1: packets carry the low half, which wraps.
@Suite struct ExtendedStreamTests {
    private static let windows = [32, 1024]

    private func table(isLive: Bool = true) -> StreamTable {
        StreamTable(
            settings: .init(
                windows: Self.windows, identityCapacity: 1 << 14, maximumStreams: 8,
                isLive: isLive, seed: 5))
    }

    /// One sender's packets around the wrap, a few of them out of order.
    private func packets(
        from first: UInt32, count: Int, salt: UInt64? = 0x1234_5678_9abc_def0
    ) -> [ESPObservation] {
        var numbers = (0..<UInt64(count)).map { UInt64(first) + $0 }
        for place in stride(from: 20, to: count - 20, by: 50) {
            numbers.swapAt(place, place + 5)
        }
        return numbers.enumerated().map { place, number in
            var packet = Observed.packet(
                UInt32(truncatingIfNeeded: number), at: Double(place))
            packet.initializationVector = salt.map { $0 ^ number }
            packet.identity = UInt64(place) &* 0x9e37_79b9_7f4a_7c15 | 1
            return packet
        }
    }

    private func report(
        _ packets: [ESPObservation], isExtended: Bool
    ) throws -> StreamReport {
        var table = table()
        let first = try #require(packets.first)
        if isExtended { table.noteExtended([Self.id(of: first)]) }
        for packet in packets { table.receive(packet) }
        return try #require(table.reports(at: packets[packets.count - 1].arrival).first)
    }

    private static func id(of packet: ESPObservation) -> StreamID {
        StreamID(
            destination: packet.destination, spi: packet.spi, encapsulation: packet.encapsulation)
    }

    @Test(arguments: [0x1234_5678_9abc_def0, nil] as [UInt64?])
    func `a wrap is no other sender where the SA has ESN`(salt: UInt64?) throws {
        let packets = packets(from: 0xffff_e000, count: 20_000, salt: salt)
        let report = try report(packets, isExtended: true)
        #expect(report.senders.atLeast == 1)
        #expect(report.senders.estimate == 1)
        #expect(report.collisions == 0)
        #expect(report.windows.map(\.wouldDrop) == [0, 0])
        #expect(report.lostPackets == 0)
    }

    @Test func `without knowing, the same packets look like two senders`() throws {
        let packets = packets(from: 0xffff_e000, count: 20_000, salt: nil)
        let report = try report(packets, isExtended: false)
        #expect(report.senders.atLeast >= 2 || (report.senders.estimate ?? 0) >= 2)
        #expect(report.windows[0].wouldDrop > 10_000)
    }

    @Test func `packets reordered over the wrap are late and not of another epoch`() throws {
        var table = table()
        let numbers: [UInt32] = [
            0xffff_fff0, 0xffff_fff1, 0xffff_fff2, 0xffff_fff3, 0xffff_fff4, 0xffff_fff5,
            0xffff_fff6, 0xffff_fff7, 0xffff_ffff, 0, 1, 0xffff_fffe, 2, 0xffff_fffd, 3,
        ]
        let packets = numbers.enumerated().map { Observed.packet($1, at: Double($0)) }
        table.noteExtended([Self.id(of: packets[0])])
        for packet in packets { table.receive(packet) }
        let report = try #require(table.reports(at: packets[14].arrival).first)
        #expect(report.reordering.outOfOrder == 2)
        #expect(report.windows.map(\.wouldDrop) == [0, 0])
        #expect(report.senders.atLeast == 1)
    }

    @Test func `it may become known after the stream began`() throws {
        var table = table()
        let packets = packets(from: 0xefff_f000, count: 60_000)
        for (place, packet) in packets.enumerated() {
            if place == 3000 { table.noteExtended([Self.id(of: packet)]) }
            table.receive(packet)
        }
        // It began without a phase, so it is closed before its numbers wrap, and begins anew.
        let open = table.reports(at: packets[packets.count - 1].arrival)
        let closed = table.takeClosedReports()
        #expect(closed.count == 1)
        #expect(open.count == 1)
        let total = (open + closed).map(\.packets).reduce(0, +)
        #expect(total == UInt64(packets.count))
        #expect((open + closed).allSatisfy { $0.senders.atLeast == 1 })
        #expect((open + closed).allSatisfy { $0.windows.allSatisfy { $0.wouldDrop == 0 } })
    }

    @Test func `a predictor told late goes on where it was`() {
        var told = ReplayWindowPredictor(windows: [32], isExtended: true)
        var late = ReplayWindowPredictor(windows: [32])
        for number in [UInt32(0xffff_fff0), 0xffff_fff2, 0xffff_fff1] {
            #expect(told.receive(number) == late.receive(number))
        }
        late.extend()
        for number: UInt32 in [0xffff_fff1, 0xffff_ffff, 0, 5, 0xffff_fff3, 4, 5] {
            #expect(told.receive(number) == late.receive(number))
        }
        #expect(told.forecasts == late.forecasts)
    }
}
