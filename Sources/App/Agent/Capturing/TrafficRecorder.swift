import ESPAnalysis
import FlightRecording
import NetworkPrimitives
import PacketCapture
import PacketFormats

/// Frames of one device in, streams and totals out: the engine of a capture thread.
///
/// *Bound.* One `StreamTable` in its live settings: 64 streams with an analyzer and one identity table
/// of 2 MiB. Every captured device has one of its own, so that nothing is shared between threads.
/// Totals are kept for the tunnels of the plan alone. A packet costs no allocation: observations are
/// collected in a buffer that keeps its memory, and analysed in batches.
struct TrafficRecorder: Sendable {
    /// What frames are.
    private(set) var frames = FrameCounts()
    /// Stamps that lay before that of an earlier packet; the packet is taken as no earlier.
    private(set) var backwardStamps: UInt64 = 0
    /// Packets that only a coarse filter let through.
    private(set) var foreignPackets: UInt64 = 0
    /// Whose packets are recorded.
    private(set) var tunnels: KnownTunnels
    /// What closed streams came to, by tunnel.
    private(set) var closed: [String: TunnelTraffic] = [:]
    /// The window sizes whose drops are predicted.
    private(set) var windows: [Int]
    /// The headers of the last minute.
    var rings = DeviceRings(
        espByteCount: TrafficRecorder.ringByteCount,
        controlByteCount: TrafficRecorder.controlByteCount)

    /// Memory for headers of ESP: some 400 packets a second for a minute.
    private static let ringByteCount = 2 << 20
    /// Memory for IKE and echoes.
    private static let controlByteCount = 256 << 10
    /// Small enough to stay in the first cache between making and using them.
    private static let batchSize = 64

    private let decoder = FrameDecoder()
    private let hash: PacketIdentityHash
    private let seed: UInt64
    private var table: StreamTable
    /// Rekeys on the wire.
    private(set) var rekeys = RekeyWatch<String>()
    /// Packets that tables before the present one could not follow.
    private var formerlyUnfollowed: UInt64 = 0
    private var endpoints: Set<IPAddress>
    private var extended: Set<StreamID> = []
    private var batch: [ESPObservation] = []
    private var latest = MonotonicInstant(nanoseconds: .min)
    private var mark = MonotonicInstant.distantFuture
    private var markedCounts: [StreamID: UInt64]?
    /// The pairs of addresses that streams of a tunnel had: by these its later fragments are found.
    private var pairs: Set<AddressPair> = []
    private static let pairLimit = 4096

    /// The way of a fragment, and whose it is.
    private struct AddressPair: Hashable {
        var source: IPAddress
        var destination: IPAddress
        var tunnel: String
        var direction: TrafficDirection
    }

    /// Makes a recorder.
    ///
    /// - Parameters:
    ///   - plan: whose packets, and which windows.
    ///   - seed: a secret random number, against hash flooding.
    init(_ plan: CapturePlan, seed: UInt64) {
        tunnels = plan.tunnels
        windows = plan.windows
        endpoints = plan.filter.endpoints
        self.seed = seed
        hash = PacketIdentityHash(seed: seed)
        table = StreamTable(settings: .live(windows: plan.windows, seed: seed))
        batch.reserveCapacity(Self.batchSize)
    }

    /// Follows another plan; streams go on unless other windows are to be predicted.
    mutating func adopt(_ plan: CapturePlan, at now: MonotonicInstant) {
        if plan.windows != windows {
            windows = plan.windows
            closeAll(at: now)
        }
        tunnels = plan.tunnels
        endpoints = plan.filter.endpoints
        let names = Set(tunnels.names)
        closed = closed.filter { names.contains($0.key) }
        rekeys.adopt(names)
        pairs = pairs.filter { names.contains($0.tunnel) }
    }

    /// Takes in a frame; call `flush` after the last of a batch.
    ///
    /// - Parameters:
    ///   - frame: the captured octets.
    ///   - linkType: how they begin.
    ///   - wireLength: the frame's length on the wire.
    ///   - arrival: when it arrived.
    ///   - isForeignPossible: whether the filter lets through packets of others.
    @inline(__always)
    mutating func receive(
        _ frame: RawSpan, linkType: LinkKind, wireLength: Int, arrival: MonotonicInstant,
        isForeignPossible: Bool
    ) {
        let decoded = decoder.decode(frame, linkType: linkType, wireLength: wireLength)
        frames.count(decoded)
        switch decoded {
        case .esp(let datagram):
            if isForeignPossible, isForeign(datagram.ip) { return }
            if arrival < latest { backwardStamps &+= 1 }
            latest = max(arrival, latest)
            if latest > mark { reachMark() }
            rings.receiveESP(
                frame, payload: datagram.payload.lowerBound, wireLength: wireLength, at: latest)
            batch.append(
                ESPObservation(datagram, in: frame, arrival: latest, hash: hash))
            if batch.count == Self.batchSize { flush() }
        case .laterFragment(let header, let payload):
            if isForeignPossible, isForeign(header) { return }
            table.noteLaterFragment(source: header.source, destination: header.destination)
            rings.receiveLaterFragment(
                frame, payload: payload, wireLength: wireLength, at: arrival)
        case .ike, .natKeepalive, .icmp, .tcp, .other, .unreadable: break
        }
    }

    /// Analyses what was taken in.
    mutating func flush() {
        guard !batch.isEmpty else { return }
        Self.analyze(batch, in: &table)
        if rekeys.wants(table) { Self.watch(batch, of: table, tunnels, &rekeys) }
        batch.removeAll(keepingCapacity: true)
    }

    private static func analyze(
        _ batch: borrowing [ESPObservation], in table: inout StreamTable
    ) {
        table.receive(batch.span)
    }

    /// Says which streams have extended sequence numbers, as this host's SAs do.
    mutating func noteExtended(_ streams: Set<StreamID>) {
        extended = streams
        table.noteExtended(streams)
    }

    @inline(never)
    private static func watch(
        _ batch: borrowing [ESPObservation], of table: borrowing StreamTable,
        _ tunnels: KnownTunnels, _ rekeys: inout RekeyWatch<String>
    ) {
        rekeys.receive(batch.span, of: table) {
            tunnels.inboundTunnel(source: $0, destination: $1)
        }
    }

    // MARK: - Rekeys that the kernel tells of

    /// Notes that the kernel has a new inbound SA for a tunnel.
    mutating func install(_ spi: SPI, of tunnel: String, at instant: MonotonicInstant) {
        prepareRekeys()
        rekeys.install(spi, of: tunnel, at: instant)
    }

    /// Notes that the kernel deleted an inbound SA of a tunnel.
    mutating func remove(_ spi: SPI, of tunnel: String, at instant: MonotonicInstant) {
        prepareRekeys()
        rekeys.remove(spi, of: tunnel, at: instant)
    }

    private mutating func prepareRekeys() {
        flush()
        let tunnels = tunnels
        rekeys.prepare(table) { tunnels.inboundTunnel(source: $0, destination: $1) }
    }

    /// What is new of the tunnels' rekeys on the wire; empty when nothing is.
    mutating func takeRekeyNews(at now: MonotonicInstant) -> [String: RekeyArrivals] {
        rekeys.takeNews(at: now)
    }

    private mutating func isForeign(_ header: IPHeader) -> Bool {
        let isForeign =
            !endpoints.contains(header.source) && !endpoints.contains(header.destination)
        if isForeign { foreignPackets &+= 1 }
        return isForeign
    }

    // MARK: - Counts at an instant

    /// Has every stream's packets counted up to `instant`, for a comparison with the kernel's counters
    /// of that instant.
    mutating func setMark(_ instant: MonotonicInstant) {
        mark = instant
        markedCounts = nil
    }

    /// The counts up to the mark, once; nil while packets before it may still come.
    ///
    /// No packet that arrived before `now` minus `delay` is missing any more.
    mutating func takeMarkedCounts(
        at now: MonotonicInstant, delay: Duration
    ) -> [StreamID: UInt64]? {
        if mark != .distantFuture, now - delay > mark { reachMark() }
        defer { markedCounts = nil }
        return markedCounts
    }

    @inline(never)
    private mutating func reachMark() {
        flush()
        markedCounts = Dictionary(
            table.reports(at: latest, senderLimit: 0).map { ($0.id, $0.packets) },
            uniquingKeysWith: { first, _ in first })
        mark = .distantFuture
    }

    // MARK: - Reports

    /// Everything about the tunnels' streams at one moment, each packet counted once: in a stream that
    /// is open, or in `closed`.
    struct Snapshot: Sendable {
        /// The streams that are open and belong to a tunnel.
        var streams: [CapturedStream] = []
        /// Closed streams' totals, by tunnel.
        var closed: [String: TunnelTraffic] = [:]
        /// Later fragments, by tunnel and direction.
        var laterFragments: [String: [TrafficDirection: UInt64]] = [:]
        /// Packets of streams beyond those that can be followed.
        var unfollowedPackets: UInt64 = 0

        /// A tunnel's totals.
        func traffic(of tunnel: String) -> TunnelTraffic {
            var traffic = closed[tunnel] ?? TunnelTraffic()
            for stream in streams where stream.tunnel == tunnel {
                if let direction = stream.direction { traffic.add(stream.report, direction) }
            }
            for (direction, count) in laterFragments[tunnel] ?? [:] {
                traffic[direction].fragments &+= count
                traffic[direction].laterFragments &+= count
            }
            return traffic
        }
    }

    /// Takes a snapshot.
    ///
    /// - Parameters:
    ///   - now: the current instant.
    ///   - wall: the same moment on the wall clock.
    ///   - senders: how many senders each stream's report is to name.
    /// - Returns: the snapshot.
    mutating func snapshot(
        at now: MonotonicInstant, wall: WallTime, senders: Int
    ) -> Snapshot {
        flush()
        let open = table.reports(at: max(now, latest), senderLimit: senders).map {
            placed($0, now, wall)
        }
        // Later than the reports: looking for idle streams may close some.
        settle(now, wall)
        var snapshot = Snapshot(
            closed: closed, unfollowedPackets: formerlyUnfollowed &+ table.unanalysedPackets)
        snapshot.streams = open.filter { $0.tunnel != nil }
        snapshot.streams.forEach { notePairs(of: $0) }
        for pair in pairs {
            let count = table.laterFragments.count(
                source: pair.source, destination: pair.destination)
            snapshot.laterFragments[pair.tunnel, default: [:]][pair.direction, default: 0] &+= count
        }
        return snapshot
    }

    /// Adds streams that were closed meanwhile to the totals; call it every few seconds.
    mutating func settle(_ now: MonotonicInstant, _ wall: WallTime) {
        for report in table.takeClosedReports() { close(placed(report, now, wall)) }
        // A packet may wait for so long in the capture's ring.
        rekeys.advance(to: now - .milliseconds(200))
    }

    /// Ends every stream: what they came to is in `closed` then.
    mutating func closeAll(at now: MonotonicInstant) {
        let wall = WallTime(nanoseconds: 0)
        let last = snapshot(at: now, wall: wall, senders: 0)
        for stream in last.streams { close(stream) }
        for (tunnel, counts) in last.laterFragments {
            for (direction, count) in counts {
                closed[tunnel, default: TunnelTraffic()][direction].fragments &+= count
                closed[tunnel, default: TunnelTraffic()][direction].laterFragments &+= count
            }
        }
        formerlyUnfollowed = last.unfollowedPackets
        table = StreamTable(settings: .live(windows: windows, seed: seed))
        table.noteExtended(extended)
        rekeys.forgetOpenings()
    }

    private mutating func close(_ stream: CapturedStream) {
        guard let tunnel = stream.tunnel, let direction = stream.direction else { return }
        notePairs(of: stream)
        closed[tunnel, default: TunnelTraffic()].add(stream.report, direction)
    }

    private mutating func notePairs(of stream: CapturedStream) {
        guard let tunnel = stream.tunnel, let direction = stream.direction else { return }
        for source in stream.report.sources where pairs.count < Self.pairLimit {
            pairs.insert(
                AddressPair(
                    source: source, destination: stream.report.id.destination, tunnel: tunnel,
                    direction: direction))
        }
    }

    private func placed(
        _ report: StreamReport, _ now: MonotonicInstant, _ wall: WallTime
    ) -> CapturedStream {
        tunnels.placed(report, lastSeen: wall + (report.lastArrival - now))
    }
}
