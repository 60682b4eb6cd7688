import ESPAnalysis
import IKE
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

    /// The exchanges of IKE; few packets, so they are followed where they are read.
    private(set) var ike: IKEExchangeTracker

    private let decoder = FrameDecoder()
    private let hash: PacketIdentityHash

    /// Makes a reading.
    ///
    /// - Parameters:
    ///   - seed: a secret random number, against hash flooding.
    ///   - ike: how much IKE is remembered, and whose.
    init(seed: UInt64, ike: IKEExchangeTracker.Settings = IKEExchangeTracker.Settings()) {
        self.ike = IKEExchangeTracker(settings: ike)
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
        case .laterFragment(let header, _):
            batch.laterFragments.append((header.source, header.destination))
        case .ike(let datagram): follow(datagram, frame, instant)
        case .natKeepalive(let header, _): ike.receiveKeepalive(header, at: instant)
        case .icmp, .tcp, .other, .unreadable: break
        }
    }

    @inline(never)
    private mutating func follow(
        _ datagram: IKEDatagram, _ frame: RawSpan, _ instant: MonotonicInstant
    ) {
        ike.receive(datagram, in: frame, at: instant)
    }

    /// What was seen of IKE, a report for each pair of hosts.
    mutating func ikeReports() -> [IKEWireReport] { ike.reports(at: clock.now) }
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
