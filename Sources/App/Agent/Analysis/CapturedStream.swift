import ESPAnalysis
import NetworkPrimitives

/// One stream's report, with what only its surroundings tell: tunnel, direction and wall clock.
struct CapturedStream: Equatable, Sendable {
    var report: StreamReport
    /// The name of the tunnel whose outer addresses the stream has.
    var tunnel: String?
    /// Which way it goes, seen from this side of the tunnel.
    var direction: TrafficDirection?
    /// Why `tunnel` and `direction` are nil; nil when they are not.
    var unknownBecause: String?
    /// When its latest packet arrived, by the wall clock of whoever captured it.
    var lastSeen: WallTime

    /// An instant of the report on the wall clock.
    func wallTime(_ instant: MonotonicInstant) -> WallTime {
        lastSeen + (instant - report.lastArrival)
    }

    /// When its first packet arrived.
    var firstSeen: WallTime { wallTime(report.firstArrival) }

    /// The time from its first packet to its latest.
    var span: Duration { report.lastArrival - report.firstArrival }

    /// Packets per second between the first and the latest; nil for a single packet or no time.
    var packetsPerSecond: Double? {
        let seconds = span.seconds
        guard report.packets > 1, seconds > 0 else { return nil }
        return Double(report.packets - 1) / seconds
    }

    /// The order in which streams are shown: with most packets first.
    static func isBefore(_ left: CapturedStream, _ right: CapturedStream) -> Bool {
        (right.report.packets, left.report.firstArrival, left.report.id.spi.rawValue)
            < (left.report.packets, right.report.firstArrival, right.report.id.spi.rawValue)
    }

    /// Whether its verdicts say so.
    func says(_ kind: StreamVerdict.Kind) -> Bool {
        report.verdicts.contains { $0.kind == kind }
    }
}
