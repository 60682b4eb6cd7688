/// The MTUs around one tunnel held against each other, and what to set.
public struct TunnelMTU: Hashable, Sendable {
    /// How the outside and the inside agree.
    public enum Verdict: Hashable, Sendable {
        /// What passes inside is what fits outside, or all that the tunnel device lets in.
        case consistent
        /// Inside, packets die that would fit outside: something on the way drops or fragments earlier
        /// than this cipher needs, by so many octets.
        case insideDropsEarlier(bytes: Int)
        /// Inside, packets pass that do not fit outside in one piece: outer packets are fragmented, from
        /// so many octets below the inside MTU on.
        case outerFragmentation(bytes: Int)
    }

    /// Cloudflare names 1400 to 1450 for the tunnel and 1360 for the MSS; 1400 fits any of its paths.
    public static let greatestRecommendation = 1400

    /// Octets that the outer headers and the transforms add to the largest packet that fits a path,
    /// which is the least they ever add; nil while not known.
    public var overhead: Int?
    /// Octets that they add to a packet at the most, padding included; nil while not known.
    public var greatestOverhead: Int?
    /// Why `overhead` is not known; nil when it is.
    public var overheadReason: String?
    /// The largest inside packet whose outer packet fits the outside path, in octets; nil while not
    /// known.
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
    /// The TCP MSS to clamp to over IPv6, in octets; nil while not known, and where the tunnel is too
    /// narrow for IPv6 (RFC 8200 §5: 1280).
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
        switch overhead {
        case .esp(let esp):
            self.overhead = esp.leastOverhead
            greatestOverhead = esp.leastOverhead + esp.suite.alignment - 1
        case .gre(let gre):
            self.overhead = gre.byteCount
            greatestOverhead = gre.byteCount
        case .unknown(let reason): overheadReason = reason
        }
        fitting = outside?.bytes.flatMap { overhead.packetByteCount(outer: $0) }
        let entrance = [deviceMTU, routeMTU].compactMap(\.self).min()
        if let fitting, let entrance { isDeviceTooLarge = entrance > fitting }
        judge(outside: outside, inside: inside, entrance: entrance)
        recommend(outside: outside, inside: inside, entrance: entrance)
    }

    /// Why the outer size of a packet cannot be held against the outside path; nil when it can.
    private func reason(outside: PathMTUReport?) -> String? {
        if let overheadReason { return "overhead unknown: \(overheadReason)" }
        guard outside?.bytes != nil else {
            return "outside MTU unknown: \(outside?.reason ?? "not measured yet")"
        }
        return fitting == nil ? "the outside path carries no packet of this tunnel" : nil
    }

    private mutating func judge(outside: PathMTUReport?, inside: PathMTUReport?, entrance: Int?) {
        guard let fitting else {
            verdictReason = reason(outside: outside)
            return
        }
        guard let passed = inside?.bytes else {
            verdictReason = "inside MTU unknown: \(inside?.reason ?? "not measured yet")"
            return
        }
        if passed > fitting {
            verdict = .outerFragmentation(bytes: passed - fitting)
            return
        }
        guard passed < fitting else {
            verdict = .consistent
            return
        }
        guard let entrance else {
            verdictReason = "the tunnel device's MTU is not known"
            return
        }
        if passed >= entrance {
            verdict = .consistent
        } else if let distance = outside?.provenDistance {
            verdictReason = "the outside path is measured up to hop \(distance) only"
        } else {
            verdict = .insideDropsEarlier(bytes: min(fitting, entrance) - passed)
        }
    }

    private mutating func recommend(
        outside: PathMTUReport?, inside: PathMTUReport?, entrance: Int?
    ) {
        // All that the device lets in says nothing against more.
        let isLimited = inside?.bytes.map { passed in entrance.map { passed < $0 } ?? true }
        let passed = fitting == nil || isLimited == true ? inside?.bytes : nil
        guard let carried = [fitting, passed].compactMap(\.self).min() else {
            recommendationReason =
                "\(reason(outside: outside) ?? ""); inside MTU unknown: "
                + (inside?.reason ?? "not measured yet")
            return
        }
        let mtu = min(carried, Self.greatestRecommendation)
        recommendedMTU = mtu
        recommendedMSSIPv4 = mtu - 40
        recommendedMSSIPv6 = mtu >= 1280 ? mtu - 60 : nil
    }
}
