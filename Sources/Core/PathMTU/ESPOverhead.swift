public import NetworkPrimitives

/// What ESP adds to packets, exactly: RFC 4303 §2, with the outer header.
///
/// In tunnel mode sizes are those of the whole inside packet; in transport mode those of what follows
/// the IP header.
public struct ESPOverhead: Hashable, Sendable {
    /// Lengths that the transforms of an SA bring along.
    public var suite: ESPSuite
    /// The family of the outer header.
    public var family: IPAddress.Family
    /// Whether a UDP header stands before ESP (RFC 3948).
    public var isUDPEncapsulated: Bool
    /// Whether only what follows the IP header is wrapped (RFC 4303 §3.1.1), and that header stays.
    public var isTransportMode: Bool

    /// Describes an SA's overhead.
    public init(
        suite: ESPSuite, family: IPAddress.Family, isUDPEncapsulated: Bool = false,
        isTransportMode: Bool = false
    ) {
        self.suite = suite
        self.family = family
        self.isUDPEncapsulated = isUDPEncapsulated
        self.isTransportMode = isTransportMode
    }

    /// The size of the outer packet for a whole packet of `packet` octets before ESP; VTI and XFRM
    /// interfaces add nothing of their own.
    public func outerByteCount(packet: Int) -> Int {
        outerByteCount(inner: packet - (isTransportMode ? headerByteCount : 0))
    }

    /// The largest whole packet before ESP whose outer packet has at most `outer` octets; nil when
    /// none has.
    public func packetByteCount(outer: Int) -> Int? {
        innerByteCount(outer: outer).map { $0 + (isTransportMode ? headerByteCount : 0) }
    }

    /// The size of the outer packet for `inner` octets inside, without padding for traffic flow
    /// confidentiality.
    public func outerByteCount(inner: Int) -> Int {
        let padded = (inner + 2 + suite.alignment - 1) / suite.alignment * suite.alignment
        return fixedByteCount + padded
    }

    /// The largest inside packet whose outer packet has at most `outer` octets; nil when none has.
    public func innerByteCount(outer: Int) -> Int? {
        let room = outer - fixedByteCount
        guard room >= suite.alignment else { return nil }
        let inner = room / suite.alignment * suite.alignment - 2
        return inner >= 0 ? inner : nil
    }

    /// Octets added to a packet that needs no padding, the largest that fits any path among them.
    public var leastOverhead: Int { fixedByteCount + 2 }

    private var fixedByteCount: Int {
        headerByteCount + (isUDPEncapsulated ? 8 : 0) + 8 + suite.ivByteCount + suite.icvByteCount
    }

    private var headerByteCount: Int { family == .v4 ? 20 : 40 }
}
