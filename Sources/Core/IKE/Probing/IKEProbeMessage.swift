public import NetworkPrimitives

/// The IKE_SA_INIT request of a probe, RFC 7296 §1.2.
///
/// Everything that a real initiator sends is there, so that a peer answers as it would answer one;
/// nothing of it is ever completed.
public struct IKEProbeMessage: Hashable, Sendable {
    /// The SPI of the initiator; see ``isProbe(initiatorSPI:)``.
    public var initiatorSPI: UInt64
    /// What is offered.
    public var proposals: [IKEProposal]
    /// The group of the public value.
    public var group: IKEGroup
    /// The nonce, 16...256 octets.
    public var nonce: [UInt8]
    /// The cookie that the peer asked for; nil at first.
    public var cookie: [UInt8]?
    private let sourceAddress: IPAddress
    private let sourcePort: UInt16
    private let destinationAddress: IPAddress
    private let destinationPort: UInt16

    /// Makes a request.
    ///
    /// - Precondition: `group` has a public value here, and `nonce` has 16...256 octets.
    public init(
        initiatorSPI: UInt64, proposals: [IKEProposal], group: IKEGroup, nonce: [UInt8],
        from source: (IPAddress, UInt16), to destination: (IPAddress, UInt16)
    ) {
        precondition(Self.hasPublicValue(of: group), "no public value of \(group)")
        precondition((16...256).contains(nonce.count), "RFC 7296 §3.9: 16 to 256 octets")
        self.initiatorSPI = initiatorSPI
        self.proposals = proposals
        self.group = group
        self.nonce = nonce
        (sourceAddress, sourcePort) = source
        (destinationAddress, destinationPort) = destination
    }

    /// Whether a request with this group can be made.
    public static func hasPublicValue(of group: IKEGroup) -> Bool {
        PublicValue.octets(of: group) != nil
    }

    /// The first five octets of every probe's SPI: "probe".
    private static let mark: UInt64 = 0x70_72_6f_62_65

    /// An SPI for a probe: the mark and 24 random bits.
    static func spi(_ random: UInt32) -> UInt64 { mark << 24 | UInt64(random & 0xff_ffff) }

    /// Whether an IKE SA was begun by a probe: then its messages say nothing of a real initiator, and
    /// that it is never completed is no failure.
    public static func isProbe(initiatorSPI: UInt64) -> Bool { initiatorSPI >> 24 == mark }

    /// The octets of the UDP datagram; to port 4500 with the non-ESP marker (RFC 3948 §2.2).
    public var datagram: [UInt8] {
        let header = IKEHeader(
            initiatorSPI: initiatorSPI, nextPayload: .none, exchange: .ikeSAInit,
            isInitiator: true, isResponse: false)
        var writer = IKEMessageWriter(header: header)
        // RFC 7296 §2.6: the cookie stands first, the rest is as it was.
        if let cookie { writer.append(IKENotify(kind: .cookie, content: cookie)) }
        writer.append(proposals: proposals)
        writer.append(publicValue: PublicValue.octets(of: group) ?? [], of: group)
        writer.append(.nonce, nonce)
        let source = NATDetection.hash(of: header, sourceAddress, sourcePort)
        let destination = NATDetection.hash(of: header, destinationAddress, destinationPort)
        writer.append(IKENotify(kind: .natDetectionSourceIP, content: source))
        writer.append(IKENotify(kind: .natDetectionDestinationIP, content: destination))
        writer.append(IKENotify(kind: .fragmentationSupported))
        return (destinationPort == 4500 ? [0, 0, 0, 0] : []) + writer.octets
    }
}
