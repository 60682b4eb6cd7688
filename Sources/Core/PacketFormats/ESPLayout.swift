public import NetworkPrimitives

/// How a suite of cipher and integrity algorithm lays out an ESP packet in tunnel mode: how much an
/// inside packet grows, and what fits a path.
///
/// RFC 4303 §2, algorithms §10.1. Traffic flow confidentiality padding is not counted.
public struct ESPLayout: Hashable, Sendable {
    /// The explicit IV in octets, 0 for none.
    public var initializationVector: Int
    /// To a multiple of how many octets the padded payload is filled up, at least 4 (RFC 4303 §2.4).
    public var alignment: Int
    /// The integrity check value in octets.
    public var integrityCheckValue: Int

    /// Makes a layout.
    ///
    /// - Precondition: no length is negative, and `alignment` is positive.
    public init(initializationVector: Int, alignment: Int, integrityCheckValue: Int) {
        precondition(initializationVector >= 0 && integrityCheckValue >= 0 && alignment > 0)
        self.initializationVector = initializationVector
        self.alignment = alignment
        self.integrityCheckValue = integrityCheckValue
    }

    /// AES-GCM, GMAC and ChaCha20-Poly1305 with 16 octets of integrity check value: RFC 4106, RFC
    /// 4543, RFC 7634.
    public static let aead = ESPLayout(
        initializationVector: 8, alignment: 4, integrityCheckValue: 16)

    /// AES-CBC (RFC 3602) with an integrity check value of so many octets: 12 for SHA1-96, 16, 24 and
    /// 32 for SHA-256, SHA-384 and SHA-512 (RFC 4868).
    public static func cipherBlockChaining(integrityCheckValue: Int) -> ESPLayout {
        ESPLayout(
            initializationVector: 16, alignment: 16, integrityCheckValue: integrityCheckValue)
    }

    /// No encryption (RFC 2410) with an integrity check value of so many octets.
    public static func null(integrityCheckValue: Int) -> ESPLayout {
        ESPLayout(initializationVector: 0, alignment: 4, integrityCheckValue: integrityCheckValue)
    }

    /// The outer packet's length in octets, IP header included.
    ///
    /// - Parameters:
    ///   - inner: the inside packet's length in octets, its IP header included.
    ///   - family: the outer address family.
    ///   - encapsulation: what stands between the outer IP header and ESP.
    /// - Returns: the length in octets.
    public func outerLength(
        ofInner inner: Int, family: IPAddress.Family, encapsulation: ESPEncapsulation
    ) -> Int {
        let padded = (inner + Self.trailer + alignment - 1) / alignment * alignment
        return fixedLength(family, encapsulation) + padded
    }

    /// The longest inside packet, in octets, whose outer packet is no longer than `outer`; below 1
    /// where none is.
    ///
    /// The exact inverse of ``outerLength(ofInner:family:encapsulation:)``.
    public func longestInner(
        inOuter outer: Int, family: IPAddress.Family, encapsulation: ESPEncapsulation
    ) -> Int {
        let room = max(0, outer - fixedLength(family, encapsulation))
        return room / alignment * alignment - Self.trailer
    }

    /// Pad length and next header, RFC 4303 §2.5 and §2.6.
    private static let trailer = 2

    private func fixedLength(
        _ family: IPAddress.Family, _ encapsulation: ESPEncapsulation
    ) -> Int {
        let header = 8
        let udp = encapsulation == .udp ? 8 : 0
        return family.headerByteCount + udp + header + initializationVector + integrityCheckValue
    }
}
