public import NetworkPrimitives

/// An Echo Request of a certain size that a search wants sent, with Don't Fragment set.
///
/// The kernel's own idea of the path must not interfere: IP_PMTUDISC_PROBE, which sends whatever the
/// device takes.
public struct SizeProbe: Hashable, Sendable {
    /// Names the probe towards its search; counts up from 0.
    public var number: UInt64
    /// Octets of the whole IP packet, header included.
    public var byteCount: Int
    /// The hop limit; nil for the system's own.
    public var hopLimit: UInt8?

    /// Describes a probe.
    public init(number: UInt64, byteCount: Int, hopLimit: UInt8? = nil) {
        self.number = number
        self.byteCount = byteCount
        self.hopLimit = hopLimit
    }
}

/// What came back for one probe, matched by identifier, sequence number and quoted destination.
public enum SizeAnswer: Hashable, Sendable {
    /// The target's Echo Reply, at the size of the request.
    case echo
    /// The hop limit ran out at this router, which so saw the packet whole.
    case timeExceeded(router: IPAddress)
    /// A router's next link takes no more than `mtu` octets; 0 from routers older than RFC 1191.
    case packetTooBig(router: IPAddress, mtu: Int)
    /// A router or the target refused it for another reason, a filter's when `isFiltered`.
    case unreachable(router: IPAddress, isFiltered: Bool)
}
