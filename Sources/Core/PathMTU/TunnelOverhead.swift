public import NetworkPrimitives

/// What a tunnel adds to every packet, as far as it is known.
public enum TunnelOverhead: Hashable, Sendable {
    /// ESP, whose padding makes it depend on the packet.
    case esp(ESPOverhead)
    /// Generic Routing Encapsulation, the same for every packet.
    case gre(GREOverhead)
    /// Not known, and why.
    case unknown(reason: String)

    /// The size of the outer packet for an inside packet of `packet` octets; nil while not known.
    public func outerByteCount(packet: Int) -> Int? {
        switch self {
        case .esp(let overhead): overhead.outerByteCount(packet: packet)
        case .gre(let overhead): packet + overhead.byteCount
        case .unknown: nil
        }
    }

    /// The largest inside packet whose outer packet has at most `outer` octets; nil for none, and
    /// while not known.
    public func packetByteCount(outer: Int) -> Int? {
        switch self {
        case .esp(let overhead): overhead.packetByteCount(outer: outer)
        case .gre(let overhead):
            outer > overhead.byteCount ? outer - overhead.byteCount : nil
        case .unknown: nil
        }
    }
}

/// What GRE adds, RFC 2784 and RFC 2890.
public struct GREOverhead: Hashable, Sendable {
    /// The family of the outer header.
    public var family: IPAddress.Family
    /// Whether the header carries a key.
    public var hasKey: Bool

    /// Describes a GRE tunnel.
    public init(family: IPAddress.Family, hasKey: Bool = false) {
        self.family = family
        self.hasKey = hasKey
    }

    /// Octets before the inside packet.
    public var byteCount: Int { (family == .v4 ? 20 : 40) + (hasKey ? 8 : 4) }
}
