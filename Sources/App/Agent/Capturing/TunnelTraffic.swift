import ESPAnalysis
import NetworkPrimitives

/// One direction of a tunnel's ESP in counters that outlive its SAs.
struct DirectionTraffic: Equatable, Sendable {
    /// Packets, copies included.
    var packets: UInt64 = 0
    /// Their octets on the wire.
    var bytes: UInt64 = 0
    /// Packets below their stream's highest number, copies left out.
    var outOfOrder: UInt64 = 0
    /// Packets reordered within their sender; stands still while the senders are not identifiable.
    var senderReordered: UInt64 = 0
    /// Packets lost before this host; stands still while the senders are not identifiable.
    var lost: UInt64 = 0
    /// Byte-identical copies.
    var duplicates = DuplicateCounts()
    /// Fragments of outer packets, first and later ones.
    var fragments: UInt64 = 0
    /// Those of `fragments` that are not the first of their packet.
    var laterFragments: UInt64 = 0
    /// The longest packet in octets, outer IP header included; 0 before the first.
    var largestBytes: UInt64 = 0

    /// Adds all that was seen of a stream.
    mutating func add(_ report: StreamReport) {
        packets &+= report.packets
        bytes &+= report.bytes
        outOfOrder &+= report.reordering.outOfOrder
        senderReordered &+= report.senderReorderedTotal
        lost &+= report.lostTotal
        duplicates.network &+= report.duplicates.network
        duplicates.capture &+= report.duplicates.capture
        duplicates.replay &+= report.duplicates.replay
        duplicates.undecided &+= report.duplicates.undecided
        fragments &+= report.fragments
        let longest = report.lengthClasses.map(\.lengths.upperBound).max() ?? 0
        largestBytes = max(largestBytes, UInt64(clamping: longest))
    }

    /// Adds other counters.
    mutating func add(_ other: DirectionTraffic) {
        combine(other) { $0 &+ $1 }
    }

    /// Sees to it that no counter is below an earlier one's.
    mutating func raise(to floor: DirectionTraffic) {
        combine(floor) { max($0, $1) }
    }

    private mutating func combine(_ other: DirectionTraffic, _ join: (UInt64, UInt64) -> UInt64) {
        let counters: [WritableKeyPath<DirectionTraffic, UInt64>] = [
            \.packets, \.bytes, \.outOfOrder, \.senderReordered, \.lost, \.duplicates.network,
            \.duplicates.capture, \.duplicates.replay, \.duplicates.undecided, \.fragments,
            \.laterFragments,
        ]
        largestBytes = max(largestBytes, other.largestBytes)
        for counter in counters {
            self[keyPath: counter] = join(self[keyPath: counter], other[keyPath: counter])
        }
    }
}

/// A tunnel's ESP in counters that outlive its SAs: none of them ever falls.
struct TunnelTraffic: Equatable, Sendable {
    var inbound = DirectionTraffic()
    var outbound = DirectionTraffic()
    /// By window size, the inbound packets that a receiver with that window would have dropped.
    var wouldDrop: [Int: UInt64] = [:]

    subscript(direction: TrafficDirection) -> DirectionTraffic {
        get { direction == .inbound ? inbound : outbound }
        set { if direction == .inbound { inbound = newValue } else { outbound = newValue } }
    }

    /// Adds all that was seen of a stream.
    mutating func add(_ report: StreamReport, _ direction: TrafficDirection) {
        self[direction].add(report)
        // The window is the receiver's: what leaves here meets another host's.
        guard direction == .inbound else { return }
        for forecast in report.windows {
            wouldDrop[forecast.window, default: 0] &+= forecast.wouldDrop
        }
    }

    /// Adds other counters.
    mutating func add(_ other: TunnelTraffic) {
        inbound.add(other.inbound)
        outbound.add(other.outbound)
        wouldDrop.merge(other.wouldDrop) { $0 &+ $1 }
    }

    /// Sees to it that no counter is below an earlier one's.
    mutating func raise(to floor: TunnelTraffic) {
        inbound.raise(to: floor.inbound)
        outbound.raise(to: floor.outbound)
        wouldDrop.merge(floor.wouldDrop) { max($0, $1) }
    }
}

/// What a tunnel's streams of the last minute say about it now; nil is not known.
struct TunnelSenders: Equatable, Sendable {
    /// Senders active in the last 60 s.
    ///
    /// The most of any inbound stream: after a rekey the same senders use the new SA, so a sum would
    /// count them twice, and nothing links senders of two SAs.
    var active: Int?
    /// The most that is proven of any of them.
    var atLeast: Int?
    /// Whether losses and per-sender reordering are known, by direction.
    var isLossKnown: [TrafficDirection: Bool] = [:]

    /// Reads the streams.
    ///
    /// - Parameters:
    ///   - streams: a tunnel's streams.
    ///   - now: the current instant.
    init(of streams: [CapturedStream], at now: MonotonicInstant) {
        let current = streams.filter { now - $0.report.lastArrival < .seconds(60) }
        for direction in TrafficDirection.allCases {
            let known = current.filter { $0.direction == direction }.map {
                $0.report.lostPackets != nil
            }
            if !known.isEmpty { isLossKnown[direction] = known.allSatisfy { $0 } }
        }
        let inbound = current.filter { $0.direction == .inbound }
        // With no packet in a minute there is no sender; that much is known.
        atLeast = inbound.map(\.report.senders.atLeast).max() ?? 0
        active =
            inbound.isEmpty
            ? 0
            : inbound.compactMap {
                $0.report.senders.activeLastMinute ?? $0.report.senders.estimate
            }.max()
    }

    /// Nothing is known.
    init() {}
}
