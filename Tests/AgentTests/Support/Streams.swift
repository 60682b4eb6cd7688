@testable import Agent
import ESPAnalysis
import NetworkPrimitives
import NetworkSimulation
import PacketFormats

extension CapturedStream {
    static let moment = WallTime(nanoseconds: 1_795_348_800_123_000_000)

    /// A stream of nothing but its packets: all else is unknown.
    static func bare(spi: UInt32 = 0xc0de_0001, packets: UInt64 = 1) -> CapturedStream {
        let report = StreamReport(
            id: StreamID(
                destination: ip("203.0.113.10"), spi: SPI(rawValue: spi), encapsulation: .esp),
            sources: [ip("198.51.100.1")], packets: packets, bytes: packets * 140,
            firstArrival: .zero, lastArrival: .zero)
        return CapturedStream(
            report: report, unknownBecause: "no tunnel of the configuration has these addresses",
            lastSeen: moment)
    }

    /// Two senders after a rekey: whatever its size, a window drops half.
    static var many: CapturedStream {
        var stream = bare(packets: 100_000)
        stream.tunnel = "cf-1"
        stream.direction = .inbound
        stream.unknownBecause = nil
        stream.report.lastArrival = .zero + .seconds(25)
        stream.report.startsAtBirth = true
        stream.report.collisions = 49_000
        stream.report.duplicates = DuplicateCounts(network: 12, undecided: 1)
        stream.report.senders.atLeast = 2
        stream.report.senders.estimate = 2
        stream.report.senders.activeLastMinute = 2
        stream.report.senders.rangeHigh = 2
        stream.report.senders.method = .iv
        stream.report.senders.family = .xor
        stream.report.senders.confidence = 1
        stream.report.reordering.outOfOrder = 49_900
        stream.report.reordering.streamRatio = 0.499
        stream.report.reordering.senderPackets = 3
        stream.report.reordering.senderRatio = 0.000_03
        stream.report.reordering.maximumExtent = 2
        stream.report.reordering.maximumLateness = .microseconds(1250)
        stream.report.lostPackets = 1010
        stream.report.outagePackets = 0
        stream.report.windows = forecasts(
            [(32, 150, 49_700), (64, 20, 49_700), (1024, 0, 49_700), (4096, 0, 49_700)],
            of: 100_000)
        stream.report.lengthClasses = [
            LengthClassForecast(
                lengths: 140...140, packets: 90_000,
                windows: forecasts([(64, 20, 44_000)], of: 90_000)),
            LengthClassForecast(
                lengths: 141...160, packets: 10_000,
                windows: forecasts([(64, 0, 0)], of: 10_000)),
        ]
        stream.report.verdicts = [
            StreamVerdict(
                kind: .multiSender, grade: .proven,
                evidence: "49000 different packets with a number that was seen before")
        ]
        stream.report.topSenders = [
            SenderReport(
                name: "9f3a61c2d4e5b708", packets: 60_000, share: 0.6, perSecond: 2400,
                hopLimit: 57, lost: 600, reordered: 3, firstArrival: .zero,
                lastArrival: .zero + .seconds(25), highestSequence: 60_600),
            SenderReport(
                name: "0011223344556677", packets: 39_987, share: 0.399_87, perSecond: 1600,
                hopLimit: 58, lost: 410, reordered: 0, firstArrival: .zero + .milliseconds(500),
                lastArrival: .zero + .seconds(24), highestSequence: 40_397),
        ]
        return stream
    }

    /// One sender over a path that reorders: 1024 is enough.
    static var reordered: CapturedStream {
        var stream = bare(spi: 0xc0de_0002, packets: 50_000)
        stream.report.lastArrival = .zero + .seconds(10)
        stream.report.senders.estimate = 1
        stream.report.senders.activeLastMinute = 1
        stream.report.senders.rangeHigh = 1
        stream.report.senders.method = .counters
        stream.report.senders.confidence = 0.9991
        stream.report.reordering.outOfOrder = 25_000
        stream.report.reordering.streamRatio = 0.5
        stream.report.reordering.senderPackets = 25_000
        stream.report.reordering.senderRatio = 0.5
        stream.report.reordering.maximumExtent = 500
        stream.report.reordering.maximumLateness = .milliseconds(100)
        stream.report.lostPackets = 0
        stream.report.outagePackets = 300
        stream.report.windows = forecasts(
            [(32, 24_950, 0), (64, 24_950, 0), (512, 8900, 0), (1024, 0, 0), (4096, 0, 0)],
            of: 50_000)
        stream.report.verdicts = [
            StreamVerdict(
                kind: .pathReordering, grade: .proven,
                evidence: "25000 of 50000 packets arrived after a later one of the same sender")
        ]
        return stream
    }

    /// Random IVs and counters that run side by side: what single senders do is not known.
    static var unidentifiable: CapturedStream {
        var stream = bare(spi: 0xc0de_0003, packets: 20_000)
        stream.report.lastArrival = .zero + .seconds(5)
        stream.report.fragments = 7
        stream.report.sources.append(ip("198.51.100.2"))
        stream.report.senders.atLeast = 480
        stream.report.senders.estimate = 500
        stream.report.senders.rangeHigh = 520
        stream.report.senders.isGrowing = true
        stream.report.senders.reason = "the capture is shorter than a minute"
        stream.report.senders.method = .counters
        stream.report.senders.confidence = 0.81
        stream.report.reordering.streamRatio = 0.9
        stream.report.reordering.outOfOrder = 18_000
        stream.report.unidentifiableBecause =
            "not identifiable: 0.47 other senders stand at the "
            + "same number on average"
        stream.report.windows = forecasts(
            [(64, 15_000, 3000), (4096, 14_000, 3000)], of: 20_000)
        stream.report.verdicts = [
            StreamVerdict(kind: .multiSender, grade: .proven, evidence: "480 counters"),
            StreamVerdict(
                kind: .reorderingNotIdentifiable, grade: .likely, evidence: "confidence 0.81"),
        ]
        return stream
    }

    /// A mirror port that shows every packet twice.
    static var doubled: CapturedStream {
        var stream = bare(spi: 0xc0de_0004, packets: 2000)
        stream.report.lastArrival = .zero + .seconds(1)
        stream.report.startsAtBirth = true
        stream.report.duplicates.capture = 1000
        stream.report.senders.estimate = 1
        stream.report.senders.method = .counters
        stream.report.senders.reason = "made up"
        stream.report.windows = forecasts([(64, 0, 1000), (4096, 0, 1000)], of: 2000)
        stream.report.verdicts = [
            StreamVerdict(
                kind: .captureDuplication, grade: .proven, evidence: "50 % have a copy")
        ]
        return stream
    }

    /// Old packets come again.
    static var replayed: CapturedStream {
        var stream = bare(spi: 0xc0de_0005, packets: 1000)
        stream.report.lastArrival = .zero + .seconds(60)
        stream.report.duplicates.replay = 30
        stream.report.windows = forecasts([(64, 30, 0), (4096, 0, 30)], of: 1000)
        stream.report.verdicts = [
            StreamVerdict(
                kind: .replaySuspected, grade: .likely,
                evidence: "30 byte-identical copies are older than a second")
        ]
        return stream
    }

    static func forecasts(
        _ rows: [(Int, UInt64, UInt64)], of packets: UInt64
    ) -> [ReplayWindowForecast] {
        rows.map {
            ReplayWindowForecast(
                window: $0.0, tooOld: $0.1, alreadySeen: $0.2, zero: 0, packets: packets)
        }
    }
}

extension AnalysisReport {
    /// A whole file with `streams`.
    static func made(_ streams: [CapturedStream], file: String = "made.pcap") -> AnalysisReport {
        var report = AnalysisReport(file: file)
        report.format = "pcap"
        report.octets = 24_000_024
        report.packets = streams.reduce(0) { $0 + $1.report.packets }
        report.firstPacket = CapturedStream.moment + .seconds(-25)
        report.lastPacket = CapturedStream.moment
        report.streams = streams
        return report
    }
}
