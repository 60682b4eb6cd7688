import ESPSimulation
import Foundation
import NetworkPrimitives
import Rekeying
import Testing

@testable import Agent

/// Capture files with rekeys in, timed rekeys out.
@Suite struct RekeyReadingTests {
    private static let start: Int64 = 1_795_348_800_000_000_000

    private struct Arrival {
        var generation: Int
        var at: Int64
    }

    /// Nine SAs of 40 s, to which senders go over within 4 s, and the file of them.
    private static func run(count: Int) -> (arrivals: [Arrival], file: [UInt8]) {
        let simulation = ESPStreamSimulation(senders: 10, packetsPerSecond: 100, seed: 5)
        var run = RekeyedESPRun(simulation, count: count, interval: 40, propagation: 4)
        var arrivals: [Arrival] = []
        var file = SimulatedPcapFile(snapLength: 128)
        while let arrival = run.next() {
            arrivals.append(Arrival(generation: arrival.generation, at: arrival.packet.arrival))
            let frame = ESPFrame { $0.spi = arrival.spi }.octets(of: arrival.packet)
            file.append(frame, at: start + arrival.packet.arrival)
        }
        return (arrivals, file.octets)
    }

    private static func analyse(_ octets: [UInt8]) throws -> AnalysisReport {
        let path = "/tmp/rekeys-\(UUID().uuidString.prefix(8)).pcap"
        try Data(octets).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let analysis = CaptureAnalysis(
            tunnels: KnownTunnels(absentBecause: "a test"), namedWindows: [])
        return try analysis.run(path: path) { _ in }
    }

    @Test func `every rekey of a file is timed as it was`() throws {
        let (arrivals, file) = Self.run(count: 9)
        let report = try Self.analyse(file)
        #expect(report.rekeys.count == 8)
        // Stamps of the file have microseconds.
        func isClose(_ record: Duration?, _ truth: Int64) -> Bool {
            record.map { abs($0.nanoseconds - truth) < 2000 } ?? false
        }
        for generation in 1..<9 {
            let rekey = try #require(report.rekeys.dropFirst(generation - 1).first)
            #expect(rekey.record.spi == RekeyedESPRun.spi(generation: generation))
            #expect(rekey.record.formerSPI == RekeyedESPRun.spi(generation: generation - 1))
            let first = try #require(arrivals.first { $0.generation == generation }?.at)
            let tail = arrivals.filter { $0.at > first && $0.generation < generation }
            #expect(rekey.record.arrivals?.tailPackets == UInt64(tail.count))
            #expect(isClose(rekey.record.tail, (tail.last?.at ?? first) - first))
            let half = try #require(rekey.record.half)
            let converged = try #require(rekey.record.convergence)
            #expect(half > .zero && half < converged && converged < .seconds(4.5))
            #expect(rekey.source == ESPFrame().source)
            #expect(rekey.direction == nil)
            #expect(rekey.record.ending == .finished)
        }
    }

    @Test func `a rekey shortly before the end of a file says so`() throws {
        let (arrivals, file) = Self.run(count: 2)
        let end = try #require(arrivals.last?.at)
        let report = try Self.analyse(file)
        #expect(report.rekeys.map(\.record.ending) == [.finished])
        let half = arrivals.filter { $0.at < end - 20_000_000_000 }.count
        // 24 octets of the file's header, and as many of each record.
        let record = (file.count - 24) / arrivals.count
        let early = try Self.analyse(Array(file.prefix(24 + half * record)))
        #expect(early.rekeys.count == 1)
        guard case .unfinished(let reason) = early.rekeys.first?.record.ending else {
            Issue.record("it cannot be over")
            return
        }
        #expect(reason.hasPrefix("the capture ends 1"))
        #expect(
            early.rekeys.first?.record.arrivals?.tailPackets
                == report.rekeys.first?.record.arrivals?.tailPackets)
    }

    @Test func `two tunnels and both directions of one are no rekeys of each other`() throws {
        var file = SimulatedPcapFile(snapLength: 128)
        let ways: [(String, String, UInt32)] = [
            ("198.51.100.1", "203.0.113.10", 1), ("203.0.113.10", "198.51.100.1", 2),
            ("198.51.100.2", "203.0.113.10", 3),
        ]
        for step in 0..<1000 {
            for (index, way) in ways.enumerated() where step >= index * 50 {
                let packet = SimulatedESPPacket(
                    arrival: 0, sequence: UInt32(step + 1), hopLimit: 60, identification: 0,
                    initializationVector: UInt64(step), identity: UInt64(step), sender: 0,
                    index: Int32(step))
                let frame = ESPFrame {
                    $0.source = ip(way.0)
                    $0.destination = ip(way.1)
                    $0.spi = SPI(rawValue: 0x1000 + way.2)
                }.octets(of: packet)
                file.append(frame, at: Self.start + Int64(step) * 100_000_000)
            }
        }
        let report = try Self.analyse(file.octets)
        #expect(report.streams.count == 3)
        #expect(report.rekeys.isEmpty)
    }

    @Test func `the document and the text have the rekeys`() throws {
        let report = try Self.analyse(Self.run(count: 6).file)
        let document = try report.json.parsed()
        let rekeys = try #require(document["rekeys"] as? [JSONDocument])
        #expect(rekeys.count == 5)
        for rekey in rekeys {
            expectReasons(rekey)
            expectKeys(
                [
                    "source", "destination", "tunnel", "direction", "former_spi", "spi",
                    "seen_by", "installed_at", "first_packet_seconds", "half_seconds",
                    "convergence_seconds", "packets", "tail_packets", "tail_seconds", "finished",
                ], in: rekey)
        }
        let text = RekeyText.lines(report, isVerbose: false)
        #expect(text.count == 4)
        #expect(text.last?.hasPrefix("2 more rekeys; of all, 99 % of the packets were on") == true)
        #expect(RekeyText.lines(report, isVerbose: true).count == 5)
    }
}
