import ESPAnalysis
import NetworkPrimitives
import PacketFormats

/// What some frames of a capture were, in their order.
struct ObservedBatch: Sendable {
    /// The ESP packets.
    var packets: ContiguousArray<ESPObservation> = []
    /// Between whom fragments went that are not the first of their packet.
    var laterFragments: [(source: IPAddress, destination: IPAddress)] = []

    /// How many frames it holds something of.
    var count: Int { packets.count + laterFragments.count }

    /// Forgets everything and keeps the room.
    mutating func removeAll() {
        packets.removeAll(keepingCapacity: true)
        laterFragments.removeAll(keepingCapacity: true)
    }
}

/// Frames of a capture into observations: decoder, clock, identity.
///
/// Nothing is allocated per packet once a batch has been as full as it gets.
struct FrameReading {
    /// What the frames were.
    private(set) var frames = FrameCounts()
    /// The capture's clock.
    private(set) var clock = CaptureClock()
    /// The observations since somebody took them.
    var batch = ObservedBatch()

    private let decoder = FrameDecoder()
    private let hash: PacketIdentityHash

    /// Makes a reading.
    ///
    /// - Parameter seed: a secret random number, against hash flooding.
    init(seed: UInt64) {
        hash = PacketIdentityHash(seed: seed)
    }

    /// Takes in one frame.
    ///
    /// - Parameters:
    ///   - frame: the captured octets.
    ///   - link: how they begin.
    ///   - arrival: its stamp; nil where the capture has none.
    ///   - wireLength: how many octets it had on the wire.
    @inline(__always)
    mutating func receive(
        _ frame: RawSpan, link: LinkKind, arrival: WallTime?, wireLength: Int
    ) {
        let instant = clock.instant(of: arrival)
        let decoded = decoder.decode(frame, linkType: link, wireLength: wireLength)
        frames.count(decoded)
        switch decoded {
        case .esp(let datagram):
            batch.packets.append(ESPObservation(datagram, in: frame, arrival: instant, hash: hash))
        case .laterFragment(let header):
            batch.laterFragments.append((header.source, header.destination))
        case .ike, .natKeepalive, .icmp, .other, .unreadable: break
        }
    }
}

extension StreamTable {
    /// Takes in everything that a batch observed.
    mutating func receive(_ batch: borrowing ObservedBatch) {
        receive(batch.packets.span)
        for (source, destination) in batch.laterFragments {
            noteLaterFragment(source: source, destination: destination)
        }
    }
}
