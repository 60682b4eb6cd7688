import NetworkPrimitives
import PacketFormats
import PacketSizes

/// What passing packets showed of a tunnel's packet sizes, for people: nothing where nothing was seen.
struct PacketSizesText {
    /// A line: its name, a word where something is wrong, and a sentence.
    typealias Line = (name: String, word: String, text: String)

    /// What is captured of the tunnel.
    var capture: TunnelCapture

    /// The lines; none where nothing was seen.
    var lines: [Line] {
        TrafficDirection.allCases.reversed().compactMap { segments($0) }
            + [fragments, tooBig].compactMap { $0 }
    }

    /// A line of SYNs that went one way; nil where there were none.
    private func segments(
        _ direction: TrafficDirection
    ) -> Line? {
        let counts = capture.inside.sizes[direction]
        guard counts.seen > 0 else { return nil }
        let name = "SYN \(direction == .outbound ? "out" : "in")"
        let over = counts.v4.overPresentLimit &+ counts.v6.overPresentLimit
        let largest = counts.largest.map { ", the largest \($0)" } ?? ""
        let example = counts.recentExample(at: capture.inside.takenAt)
        guard over > 0, example != nil else {
            return (
                name, "",
                "\(FigureText.count(counts.seen, "SYN")), none with an MSS over "
                    + "\(limits(counts))\(largest)"
            )
        }
        var text =
            "\(over) of \(FigureText.count(counts.seen, "SYN")) with an MSS over "
            + "\(limits(counts))\(largest)"
        if let example {
            text +=
                "; like \(Self.end(example.source, example.segment.sourcePort)) to "
                + "\(Self.end(example.destination, example.segment.destinationPort))"
            switch example.isForwarded {
            case true?: text += ", forwarded"
            case false?: text += ", of this host itself"
            case nil: break
            }
        }
        if direction == .inbound { text += "; seen before this host's own rules may lower it" }
        // What arrives may still be lowered here.
        return (name, direction == .outbound ? "TOO LARGE:" : "", text)
    }

    private func limits(_ counts: SegmentSizeCounts) -> String {
        counts.v6.seen == 0 ? "\(counts.v4.limit)" : "\(counts.v4.limit) (IPv6 \(counts.v6.limit))"
    }

    private static func end(_ address: IPAddress, _ port: UInt16) -> String {
        address.family == .v4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }

    private var fragments: Line? {
        let (inbound, outbound) = (
            capture.traffic.inbound.fragments, capture.traffic.outbound.fragments
        )
        guard inbound &+ outbound > 0 else { return nil }
        return (
            "outer", "FRAGMENTED:", "\(inbound) fragments of outer packets in, \(outbound) out"
        )
    }

    private var tooBig: Line? {
        let record = capture.inside.sizes.tooBig
        guard let latest = record.latest else {
            guard record.suspicious > 0 else { return nil }
            return (
                "routers", "", "\(record.suspicious) Packet Too Big about the tunnel not believed"
            )
        }
        let size = latest.mtu.map { "no more than \($0) fit" } ?? "it did not fit"
        let times = record.seen == 1 ? "" : ", \(record.seen) times in all"
        return (
            "routers", "TOO BIG:",
            "\(latest.router) says of an outer packet of \(latest.packetLength): \(size)\(times)"
        )
    }
}
