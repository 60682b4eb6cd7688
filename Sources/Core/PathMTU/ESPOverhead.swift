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

    /// Describes an SA's overhead.
    public init(suite: ESPSuite, family: IPAddress.Family, isUDPEncapsulated: Bool = false) {
        self.suite = suite
        self.family = family
        self.isUDPEncapsulated = isUDPEncapsulated
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

    private var fixedByteCount: Int {
        (family == .v4 ? 20 : 40) + (isUDPEncapsulated ? 8 : 0) + 8 + suite.ivByteCount
            + suite.icvByteCount
    }
}

/// The lengths that decide how large an ESP packet becomes.
public struct ESPSuite: Hashable, Sendable {
    /// Octets of the initialization vector before the ciphertext.
    public var ivByteCount: Int
    /// Octets of the integrity check value at the end.
    public var icvByteCount: Int
    /// What the ciphertext's length is a multiple of: the cipher's block, and at least 4.
    public var alignment: Int

    /// Makes a suite of known lengths.
    public init(ivByteCount: Int, icvByteCount: Int, alignment: Int) {
        self.ivByteCount = ivByteCount
        self.icvByteCount = icvByteCount
        self.alignment = alignment
    }
}
