import ESPAnalysis
import NetworkPrimitives
import PacketFormats

/// Frames of a capture into the streams they are of: decoder, identity, clock, table.
///
/// Nothing is allocated per packet; observations go to the table in batches.
struct ESPPipeline: ~Copyable {
    /// What the frames were.
    private(set) var frames = FrameCounts()
    /// The capture's clock.
    private(set) var clock = CaptureClock()
    /// The streams so far, but for those packets that wait in the batch.
    private(set) var table: StreamTable

    private let decoder = FrameDecoder()
    private let hash: PacketIdentityHash
    private var batch: ContiguousArray<ESPObservation> = []

    /// Small enough to stay in the first cache between making and using them.
    private static let batchSize = 64

    /// A pipeline into a new table.
    init(settings: StreamTable.Settings) {
        table = StreamTable(settings: settings)
        hash = PacketIdentityHash(seed: settings.seed &+ 1)
        batch.reserveCapacity(Self.batchSize)
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
            batch.append(ESPObservation(datagram, in: frame, arrival: instant, hash: hash))
            if batch.count == Self.batchSize { flush() }
        case .laterFragment(let header):
            table.noteLaterFragment(source: header.source, destination: header.destination)
        case .ike, .natKeepalive, .icmp, .other, .unreadable: break
        }
    }

    /// Hands the waiting packets to the table.
    mutating func flush() {
        Self.empty(&batch, into: &table)
    }

    /// As a function of both parts: a span of one is not seen to leave the other alone otherwise.
    private static func empty(
        _ batch: inout ContiguousArray<ESPObservation>, into table: inout StreamTable
    ) {
        table.receive(batch.span)
        batch.removeAll(keepingCapacity: true)
    }

    /// The reports of all streams, closed ones too.
    mutating func reports() -> [StreamReport] {
        flush()
        let closed = table.takeClosedReports()
        return closed + table.reports(at: clock.now)
    }
}
