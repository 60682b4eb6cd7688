import ESPSimulation
import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import ESPAnalysis

@Suite
struct SenderTableTests {
    private var table = SenderTable(seed: 1, windows: [2, 4, 5, 8])

    private mutating func receive(
        _ sequence: UInt32, of key: UInt64 = 1, at seconds: Double = 0
    ) -> SenderTable.Arrival {
        table.receive(
            key: key, sequence: sequence,
            at: MonotonicInstant(nanoseconds: Int64((seconds * 1e9).rounded())), hopLimit: 57)
    }

    @Test mutating func `gives the extents and n-reordering of vector V3`() {
        let arrivals = [1, 2, 3, 7, 8, 9, 10, 4, 5, 6, 11].map { receive($0) }
        #expect(
            arrivals == [
                .first, .ahead(missing: 0), .ahead(missing: 0), .ahead(missing: 3),
                .ahead(missing: 0), .ahead(missing: 0), .ahead(missing: 0),
                .late(extent: 4, lateness: .zero, nReordering: 4, depth: 6),
                .late(extent: 5, lateness: .zero, nReordering: 0, depth: 5),
                .late(extent: 6, lateness: .zero, nReordering: 0, depth: 4),
                .ahead(missing: 0),
            ])
        #expect(table.reordered == 3)
        #expect(table.lost == 0)
        #expect(table.maximumExtent == 6)
        #expect(table.maximumNReordering == 4)
        #expect(table.longestOrderedRun == 7)
    }

    @Test mutating func `predicts a window of a sender's own from how deep it is late`() {
        for sequence: UInt32 in [1, 2, 3, 7, 8, 9, 10, 4, 5, 6, 11] { _ = receive(sequence) }
        // The depths are 6, 5 and 4.
        #expect(table.windowForecasts.map(\.wouldDrop) == [3, 3, 2, 0])
        #expect(table.windowForecasts.allSatisfy { $0.packets == 11 })
    }

    @Test mutating func `says RFC 4737's figures of any order exactly`() {
        var random = SeededGenerator(seed: 4737)
        for _ in 0..<200 {
            table = SenderTable(seed: random.next())
            var numbers = (1...80).map { UInt32($0 * 2) }
            for _ in 0..<30 {
                let place = Int(random.below(75))
                numbers.swapAt(place, place + Int(random.below(5)))
            }
            for place in numbers.indices {
                let arrival = receive(numbers[place])
                let higher = numbers[..<place].firstIndex { $0 > numbers[place] }
                guard case .late(let extent, _, let nReordering, _) = arrival else {
                    #expect(higher == nil)
                    continue
                }
                #expect(extent == place - (higher ?? place))
                let run = numbers[..<place].reversed().prefix { $0 > numbers[place] }.count
                // A lower bound where three late packets nest.
                #expect(nReordering <= run && (nReordering > 0) == (run > 0))
            }
        }
    }

    @Test mutating func `loses a number that has not come for half a second`() {
        _ = receive(1, at: 0)
        _ = receive(4, at: 1)
        _ = receive(5, at: 1.5)
        #expect(table.lost == 0)
        #expect(
            receive(2, at: 1.5)
                == .late(
                    extent: 2, lateness: .milliseconds(500), nReordering: 2, depth: 3))
        _ = receive(6, at: 1.6)
        #expect(table.lost == 1)
        #expect(
            receive(3, at: 2)
                == .late(
                    extent: 4, lateness: .seconds(1), nReordering: 1, depth: 3))
        #expect(table.conflicts == 0)
    }

    @Test mutating func `calls a jump over more than 256 an outage`() {
        _ = receive(1)
        #expect(receive(258) == .ahead(missing: 256))
        #expect(receive(515, at: 1) == .ahead(missing: 256))
        #expect(receive(773, at: 2) == .ahead(missing: 257))
        _ = receive(774, at: 3)
        #expect(table.lost == 512)
        #expect(table.outage == 257)
        _ = receive(2000, at: 3.1)
        #expect(
            receive(1900, at: 3.2)
                == .late(
                    extent: 1, lateness: .milliseconds(100), nReordering: 1, depth: 100))
        #expect(table.outage == 257 + 1225 - 1)
    }

    @Test mutating func `finds holes on both sides of the wrap`() {
        _ = receive(.max - 1)
        #expect(receive(3) == .ahead(missing: 4))
        #expect(
            receive(.max, at: 0.1)
                == .late(
                    extent: 1, lateness: .milliseconds(100), nReordering: 1, depth: 4))
        #expect(
            receive(0, at: 0.1)
                == .late(
                    extent: 2, lateness: .milliseconds(100), nReordering: 0, depth: 3))
        table.advance(to: MonotonicInstant(nanoseconds: 2_000_000_000))
        #expect(table.lost == 2)
    }

    @Test mutating func `notices a number that its sender has used`() {
        for sequence: UInt32 in 10...20 { _ = receive(sequence) }
        #expect(receive(15, at: 0.1) == .conflict)
        #expect(receive(15, at: 0.1) == .conflict)
        #expect(receive(5, at: 3) == .conflict)
        #expect(table.conflicts == 3)
        #expect(table.conflictingSenders == 1)
    }

    @Test mutating func `takes what was overtaken by the first packet for late`() {
        _ = receive(10)
        _ = receive(11)
        #expect(
            receive(9, at: 0.2)
                == .late(
                    extent: 2, lateness: .milliseconds(200), nReordering: 2, depth: 2))
    }

    @Test func `agrees with the truth about many senders`() {
        let stream = ESPStreamSimulation(senders: 40, packetsPerSecond: 4000, duration: 10) {
            $0.loss = 0.02
            $0.reorder = 0.03
            $0.start = .random
        }.run()
        var table = SenderTable(seed: 3)
        for packet in stream.packets where !packet.isCopy {
            _ = table.receive(
                key: UInt64(packet.sender), sequence: packet.sequence,
                at: MonotonicInstant(nanoseconds: packet.arrival), hopLimit: packet.hopLimit)
        }
        table.advance(to: MonotonicInstant(nanoseconds: 20_000_000_000))
        #expect(table.count == stream.truth.activeSenders)
        #expect(Int(table.reordered) == stream.truth.reordered)
        // Nothing tells of packets lost before a sender's first or after its last.
        #expect(Int(table.lost) <= stream.truth.lost)
        #expect(Int(table.lost) >= stream.truth.lost - 2 * 40)
        for sender in table.senders {
            let truth = stream.truth.senders[Int(sender.key)]
            #expect(Int(sender.packets) == truth.received)
            #expect(Int(sender.reordered) == truth.reordered)
        }
    }

    @Test mutating func `keeps 8192 senders, and evicts the idle ones`() {
        for round: UInt32 in 1...20 {
            for key: UInt64 in 0..<4000 {
                _ = receive(round, of: key, at: Double(round) * 0.01)
            }
        }
        var random = SeededGenerator(seed: 9)
        for sequence: UInt32 in 21...220 {
            for key: UInt64 in 0..<100 {
                _ = receive(sequence, of: key, at: Double(sequence) * 0.01)
                _ = receive(7, of: random.next() | 1 << 63, at: Double(sequence) * 0.01)
            }
        }
        #expect(table.senders.count == SenderTable.senderLimit)
        #expect(table.count == 24_000)
        #expect(table.evictedSenders == 24_000 - 8192)
        let busy = table.senders.filter { $0.key < 100 }
        #expect(busy.count == 100)
        #expect(busy.allSatisfy { $0.packets == 220 && $0.lost == 0 && !$0.hasConflict })
    }

    @Test mutating func `counts holes early rather than grow without bound`() {
        // Each packet skips 199 numbers, which takes four pieces or five.
        for step: UInt32 in 0..<21_000 {
            _ = receive(step / 3 * 200, of: UInt64(step % 3), at: Double(step) * 1e-6)
        }
        #expect(table.lost > 0)
        table.advance(to: MonotonicInstant(nanoseconds: 2_000_000_000))
        #expect(table.lost == 3 * 6999 * 199)
    }
}
