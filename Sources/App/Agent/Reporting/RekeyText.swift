import NetworkPrimitives
import Rekeying

/// Rekeys for people.
struct RekeyText {
    var record: RekeyRecord

    /// What happened, in half a line.
    var short: String {
        var parts: [String] = []
        switch record.ending {
        case .unfinished(let reason): parts.append(reason)
        case .pending where record.arrivals == nil: parts.append("no packet on it yet")
        case .pending: parts.append("under way")
        case .finished: break
        }
        if let convergence = record.convergence {
            parts.append("99 % of the packets on it after \(FigureText.duration(convergence))")
        }
        if let arrivals = record.arrivals, arrivals.tailPackets > 0 {
            parts.append(
                "\(FigureText.count(arrivals.tailPackets, "packet")) still on the old one")
        }
        if let count = record.packetsForDeletedSPI, count > 0 {
            parts.append("\(count) after it was deleted")
        }
        if let probes = record.probes, probes.lost > 0 {
            parts.append("\(probes.lost) of \(FigureText.count(probes.sent, "probe")) lost")
        }
        return "\(record.spi): " + parts.joined(separator: ", ")
    }

    /// The same with every figure.
    var long: String {
        let former = record.formerSPI?.description ?? "?"
        var parts = ["\(former) -> \(record.spi)"]
        if let first = record.firstPacket {
            parts.append("first packet after \(FigureText.duration(first))")
        }
        if let half = record.half { parts.append("50 % after \(FigureText.duration(half))") }
        if let convergence = record.convergence {
            parts.append("99 % after \(FigureText.duration(convergence))")
        }
        if let arrivals = record.arrivals {
            parts.append(
                arrivals.tailPackets == 0
                    ? "none late"
                    : "\(arrivals.tailPackets) late, the last after "
                        + FigureText.duration(arrivals.tail))
        }
        if let count = record.packetsForDeletedSPI { parts.append("\(count) for the deleted SA") }
        if let probes = record.probes {
            parts.append("\(probes.lost) of \(FigureText.count(probes.sent, "probe")) lost")
        }
        if record.origin == .wire { parts.append("seen on the wire") }
        switch record.ending {
        case .finished: break
        case .pending: parts.append("not over")
        case .unfinished(let reason): parts.append(reason)
        }
        return parts.joined(separator: ", ")
    }
}

extension TunnelRekeys {
    /// The lines of a report: the latest rekey, or with `isVerbose` all that are kept.
    func lines(isVerbose: Bool) -> [(name: String, text: String)] {
        guard let latest else { return [] }
        guard isVerbose else {
            let time = wallTime(latest.installedAt).description
            return [("rekey", "\(time.prefix(19))Z \(RekeyText(record: latest).short)")]
        }
        return records.map { record in
            let time = wallTime(record.installedAt).description
            return ("rekey", "\(time.prefix(19))Z \(RekeyText(record: record).long)")
        }
    }
}

extension RekeyText {
    /// How many rekeys of a file are shown to those who did not ask for all.
    private static let shown = 3

    /// The lines about the rekeys of a file; none without one.
    static func lines(_ report: AnalysisReport, isVerbose: Bool) -> [String] {
        let rekeys = report.rekeys
        let shown = isVerbose ? rekeys[...] : rekeys.prefix(Self.shown)
        var lines = shown.map { rekey in
            let time = rekey.clock.wallTime(rekey.record.installedAt).description.prefix(19)
            return "rekey \(time)Z  \(rekey.source) -> \(rekey.destination)  "
                + RekeyText(record: rekey.record).long
        }
        let hidden = UInt64(rekeys.count - shown.count) + report.unlistedRekeys
        guard hidden > 0 else { return lines }
        let times = rekeys.compactMap(\.record.convergence).sorted()
        var line = FigureText.count(hidden, "more rekey")
        if let slowest = times.last {
            line +=
                "; of all, 99 % of the packets were on the new SPI after "
                + "\(FigureText.duration(times[times.count / 2])) (median), "
                + "\(FigureText.duration(slowest)) at most"
        }
        lines.append(line)
        return lines
    }
}
