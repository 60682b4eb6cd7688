public import NetworkPrimitives
public import PacketFormats

/// What packets that pass show of a tunnel's packet sizes: an engine without a deadline.
///
/// *Bound.* Of fixed size, but for the addresses and SPIs that it is told of.
public struct PacketSizeWatch: Sendable {
    /// What is known of a tunnel before anything is seen.
    public struct Settings: Hashable, Sendable {
        /// Addresses of this host: what goes between others is forwarded; nil while not known.
        public var ownAddresses: Set<IPAddress>?
        /// The outer address of this end; nil while not known, and then any will do.
        public var local: IPAddress?
        /// The outer address of the far end; nil while not known.
        public var remote: IPAddress?
        /// The SPIs of what leaves through the tunnel, those of a rekey ago included.
        public var outboundSPIs: Set<SPI>
        /// The segment sizes above which a SYN is counted.
        public var limits: SegmentSizeLimits

        /// Makes settings.
        public init(
            ownAddresses: Set<IPAddress>? = nil, local: IPAddress? = nil, remote: IPAddress? = nil,
            outboundSPIs: Set<SPI> = [], limits: SegmentSizeLimits = SegmentSizeLimits()
        ) {
            self.ownAddresses = ownAddresses
            self.local = local
            self.remote = remote
            self.outboundSPIs = outboundSPIs
            self.limits = limits
        }
    }

    /// What is known of the tunnel.
    public private(set) var settings: Settings
    /// What was seen.
    public private(set) var report: PacketSizesReport
    /// Whether the latest Packet Too Big said something new; until `takePathChange`.
    private var hasPathChanged = false

    /// Watches nothing yet.
    public init(settings: Settings = Settings()) {
        self.settings = settings
        report = PacketSizesReport(limits: settings.limits)
    }

    /// Goes on with other settings; counters stay.
    public mutating func adopt(_ settings: Settings) {
        self.settings = settings
        report.adopt(settings.limits)
    }

    /// Takes in a TCP segment of the inside.
    ///
    /// - Parameters:
    ///   - header: its IP header.
    ///   - bytes: its captured octets, TCP header first; any bytes are safe.
    ///   - length: how many octets it has on the wire.
    ///   - direction: which way it goes through the tunnel.
    ///   - now: when it was seen.
    public mutating func receiveSegment(
        _ header: IPHeader, _ bytes: RawSpan, length: Int, _ direction: TrafficDirection,
        at now: MonotonicInstant
    ) {
        // This host's end of the flow.
        let near = direction == .inbound ? header.destination : header.source
        do throws(PacketError) {
            let segment = try TCPSynchronization(parsing: bytes, length: length)
            report[direction].note(
                segment, source: header.source, destination: header.destination,
                isForwarded: settings.ownAddresses.map { !$0.contains(near) }, at: now)
        } catch {
            switch error {
            case .malformed: report[direction].malformed &+= 1
            case .truncated: report[direction].truncated &+= 1
            case .unsupported: break
            }
        }
    }

    /// Takes in a Packet Too Big that arrived at the WAN; one about another flow is passed over.
    public mutating func receive(
        _ message: PacketTooBig, from router: IPAddress, at now: MonotonicInstant
    ) {
        let quote = message.quote
        guard quote.destination == settings.remote,
            settings.local == nil || quote.source == settings.local
        else { return }
        let isKnown = quote.spi.map(settings.outboundSPIs.contains) ?? false
        if report.tooBig.note(message, from: router, isKnownSPI: isKnown, at: now) {
            hasPathChanged = true
        }
    }

    /// Whether a router has said something new about the path since the last call.
    public mutating func takePathChange() -> Bool {
        defer { hasPathChanged = false }
        return hasPathChanged
    }
}

/// What passing packets showed of a tunnel's packet sizes.
public struct PacketSizesReport: Hashable, Sendable {
    /// SYNs that arrived through the tunnel.
    public internal(set) var inbound: SegmentSizeCounts
    /// SYNs that left through the tunnel.
    public internal(set) var outbound: SegmentSizeCounts
    /// What routers said of its outer packets.
    public internal(set) var tooBig = PacketTooBigRecord()

    /// Nothing was seen yet.
    public init(limits: SegmentSizeLimits = SegmentSizeLimits()) {
        inbound = SegmentSizeCounts(limits: limits)
        outbound = SegmentSizeCounts(limits: limits)
    }

    /// Holds what was seen against other limits; counts over the limit of their time stay.
    public mutating func adopt(_ limits: SegmentSizeLimits) {
        inbound.adopt(limits)
        outbound.adopt(limits)
    }

    /// The SYNs of one direction.
    public subscript(direction: TrafficDirection) -> SegmentSizeCounts {
        get { direction == .inbound ? inbound : outbound }
        set { if direction == .inbound { inbound = newValue } else { outbound = newValue } }
    }
}
