@testable import Agent
import Configuration
import ESPAnalysis
import ESPSimulation
import Foundation
import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import Testing

/// Files in, reports out; the commands around it are tested end to end.
@Suite struct CaptureAnalysisTests {
    private static let start: Int64 = 1_795_348_800_000_000_000

    private static func analyse(_ octets: [UInt8], windows: [Int] = []) throws -> AnalysisReport {
        let path = "/tmp/analysis-\(UUID().uuidString.prefix(8)).pcap"
        try Data(octets).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let analysis = CaptureAnalysis(
            tunnels: KnownTunnels(absentBecause: "a test"), namedWindows: windows)
        return try analysis.run(path: path) { _ in }
    }

    private static func pcap(_ packets: [SimulatedESPPacket]) -> [UInt8] {
        var file = SimulatedPcapFile(snapLength: 128)
        for packet in packets {
            file.append(ESPFrame().octets(of: packet), at: start + packet.arrival)
        }
        return file.octets
    }

    /// An IPv4 packet of a protocol, without a link header.
    private static func ipv4(
        _ protocolNumber: UInt8, fragment: UInt16 = 0, _ payload: [UInt8]
    ) -> [UInt8] {
        let length = UInt16(20 + payload.count)
        return [0x45, 0, UInt8(length >> 8), UInt8(length & 0xff), 0, 1]
            + [UInt8(fragment >> 8), UInt8(fragment & 0xff), 64, protocolNumber, 0, 0]
            + [198, 51, 100, 1, 203, 0, 113, 10] + payload
    }

    private static func udp(_ port: UInt16, _ payload: [UInt8]) -> [UInt8] {
        let ports = [UInt8(port >> 8), UInt8(port & 0xff), UInt8(port >> 8), UInt8(port & 0xff)]
        return ports + [0, UInt8(8 + payload.count), 0, 0] + payload
    }

    @Test func `every packet is of one kind`() throws {
        let ike = [UInt8](repeating: 1, count: 16) + [33, 0x20, 34, 8, 0, 0, 0, 0, 0, 0, 0, 28]
        let esp = Self.ipv4(50, [0, 0, 16, 1, 0, 0, 0, 1] + [UInt8](repeating: 7, count: 40))
        let frames: [([UInt8], Int)] = [
            (esp, 3), (Self.ipv4(17, Self.udp(500, ike)), 2),
            (Self.ipv4(17, Self.udp(4500, [0, 0, 0, 0] + ike)), 1),
            (Self.ipv4(17, Self.udp(4500, [0xff])), 4),
            (Self.ipv4(1, [8, 0, 0, 0, 0, 1, 0, 1]), 5),
            (Self.ipv4(50, fragment: 0x0010, [1, 2, 3, 4, 5, 6, 7, 8]), 6),
            (Self.ipv4(6, [UInt8](repeating: 0, count: 20)), 7), (Self.ipv4(50, [0, 0, 16]), 8),
        ]
        var file = SimulatedPcapFile(linkType: 101)
        for (frame, count) in frames {
            for _ in 0..<count { file.append(frame, at: Self.start) }
        }
        // An ESP packet of which the capture has four octets.
        file.append(Array(esp.prefix(24)), at: Self.start, wireLength: esp.count)
        let report = try Self.analyse(file.octets)
        #expect(report.packets == 37)
        #expect(report.frames.esp == 3)
        #expect(report.frames.ike == 3)
        #expect(report.frames.natKeepalives == 4)
        #expect(report.frames.icmp == 5)
        #expect(report.frames.laterFragments == 6)
        #expect(report.frames.other == 7)
        #expect(report.frames[.malformedESP] == 8)
        #expect(report.frames[.truncatedESP] == 1)
        #expect(report.frames.frames == report.packets)
        #expect(report.streams.map(\.report.packets) == [3])
        #expect(report.findings.map(\.id) == [.captureIncomplete])
        #expect(report.verdict == .healthy)
    }

    @Test func `the report is that of the simulated stream`() throws {
        for iv in [ESPStreamSimulation.IVMode.seqiv, .random] {
            let simulation = ESPStreamSimulation(
                senders: 40, packetsPerSecond: 5000, duration: 10
            ) {
                $0.iv = iv
                $0.loss = 0.01
                $0.start = .aged
            }
            let truth = simulation.run()
            let report = try Self.analyse(Self.pcap(truth.packets))
            let stream = try #require(report.streams.first)
            #expect(report.streams.count == 1)
            #expect(stream.report.packets == UInt64(truth.packets.count))
            #expect(stream.report.senders.estimate == 40, "\(iv)")
            #expect(stream.report.senders.method == (iv == .seqiv ? .iv : .counters))
            let lost = Double(try #require(stream.report.lostPackets, "\(iv)"))
            #expect(abs(lost / Double(truth.truth.lost) - 1) < 0.1, "\(iv) \(lost)")
            #expect(stream.says(.multiSender))
            #expect(stream.firstSeen.nanoseconds == Self.start + truth.packets[0].arrival)
            #expect(
                stream.lastSeen.nanoseconds
                    == Self.start + (truth.packets.last?.arrival ?? 0))
            #expect(report.verdict == .healthy)
        }
    }

    @Test func `windows are the usual ones, the named ones, and those the shape is read at`() throws
    {
        let packets = ESPStreamSimulation(senders: 1, packetsPerSecond: 100, duration: 1).run()
        let report = try Self.analyse(Self.pcap(packets.packets), windows: [100, 7, 100])
        #expect(report.namedWindows == [7, 100])
        #expect(
            report.streams.first?.report.windows.map(\.window)
                == [7, 32, 64, 100, 128, 256, 512, 1024, 2048, 4096])
    }

    @Test func `a pcapng file that says what was dropped is incomplete`() throws {
        var file = SimulatedPcapngFile()
        file.addInterface(linkType: 1)
        let packets = ESPStreamSimulation(senders: 1, packetsPerSecond: 100, duration: 1).run()
        for packet in packets.packets {
            file.append(ESPFrame().octets(of: packet), at: Self.start + packet.arrival)
        }
        #expect(try Self.analyse(file.octets).captureDrops == nil)
        // Interface statistics: interface 0, stamp, isb_ifdrop 17, end.
        file.appendBlock(
            type: 5,
            [UInt8](repeating: 0, count: 12) + [5, 0, 8, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        let report = try Self.analyse(file.octets)
        #expect(report.captureDrops == 17)
        #expect(report.findings.map(\.id) == [.captureIncomplete])
        #expect(report.findings.first?.evidence.first?.contains("17") == true)
    }

    @Test func `a flood of random SPIs leaves the stream beside it whole`() throws {
        var random = SeededGenerator(seed: 5)
        let packets = ESPStreamSimulation(senders: 3, packetsPerSecond: 1000, duration: 3).run()
        var file = SimulatedPcapFile()
        for packet in packets.packets {
            file.append(ESPFrame().octets(of: packet), at: Self.start + packet.arrival)
            for _ in 0..<20 {
                let frame = ESPFrame {
                    $0.spi = SPI(rawValue: .random(in: 256 ... .max, using: &random))
                }
                file.append(frame.octets(of: packet), at: Self.start + packet.arrival)
            }
        }
        let report = try Self.analyse(file.octets)
        let stream = try #require(report.streams.first)
        #expect(stream.report.id.spi == SPI(rawValue: 0xc0de_0001))
        #expect(stream.report.packets == UInt64(packets.packets.count))
        #expect(stream.report.senders.estimate == 3)
        let followed = report.streams.reduce(0) { $0 + $1.report.packets }
        #expect(
            followed + report.unfollowedPackets == report.packets, "each packet is accounted for")
        #expect(report.streams.count < 10_000)
    }

    @Test func `progress goes up, and ends at the whole`() throws {
        let packets = ESPStreamSimulation(senders: 2, packetsPerSecond: 20_000, duration: 2).run()
        let path = "/tmp/analysis-\(UUID().uuidString.prefix(8)).pcap"
        try Data(Self.pcap(packets.packets)).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        var shares: [Double] = []
        let analysis = CaptureAnalysis(tunnels: KnownTunnels(absentBecause: ""), namedWindows: [])
        _ = try analysis.run(path: path) { shares.append($0.share) }
        #expect(shares.count > 5)
        #expect(shares == shares.sorted())
        #expect(shares.last == 1)
        #expect(shares.allSatisfy { (0...1).contains($0) })
    }
}
