/// The MTUs around one tunnel held against each other, and what to set.
public struct TunnelMTU: Hashable, Sendable {
    /// How the outside and the inside agree.
    public enum Verdict: Hashable, Sendable {
        /// What passes inside is what fits outside.
        case consistent
        /// Inside, packets die that would fit outside: something on the way drops or fragments earlier
        /// than this cipher needs, by so many octets.
        case insideDropsEarlier(bytes: Int)
        /// Inside, packets pass that do not fit outside in one piece: outer packets are fragmented, from
        /// so many octets below the inside MTU on.
        case outerFragmentation(bytes: Int)
    }

    /// Octets that ESP and the outer headers add to the largest packet that fits; nil while not known.
    public var overhead: Int?
    /// Why `overhead` is not known; nil when it is.
    public var overheadReason: String?
    /// The largest inside packet whose outer packet fits the outside path, in octets.
    public var fitting: Int?
    /// How outside and inside agree; nil while not known.
    public var verdict: Verdict?
    /// Why there is no verdict; nil when there is one.
    public var verdictReason: String?
    /// Whether the tunnel device's or the route's MTU lets packets in that the path does not carry
    /// whole; nil while not known.
    public var isDeviceTooLarge: Bool?
    /// The MTU to set on the tunnel device, in octets; nil while not known.
    public var recommendedMTU: Int?
    /// The TCP MSS to clamp to over IPv4, in octets; nil while not known.
    public var recommendedMSSIPv4: Int?
    /// The TCP MSS to clamp to over IPv6, in octets; nil while not known, or where IPv6 does not fit.
    public var recommendedMSSIPv6: Int?
    /// Why nothing is recommended; nil when something is.
    public var recommendationReason: String?

    /// Holds the figures of one tunnel against each other; nil for what is not known.
    ///
    /// - Parameters:
    ///   - outside: the path MTU of the underlay.
    ///   - inside: the path MTU through the tunnel.
    ///   - deviceMTU: the tunnel device's MTU, in octets.
    ///   - routeMTU: the MTU of the route into the tunnel, where it has one of its own.
    ///   - overhead: what this SA adds, or why that is not known.
    public init(
        outside: PathMTUReport?, inside: PathMTUReport?, deviceMTU: Int?, routeMTU: Int?,
        overhead: TunnelOverhead
    ) {
        overheadReason = "not measured yet"
        verdictReason = "not measured yet"
        recommendationReason = "not measured yet"
    }
}
