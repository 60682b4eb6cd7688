import NetworkPrimitives

/// The fixed header of every IKE message, RFC 7296 §3.1; IKEv1's is laid out alike (RFC 2408 §3.1).
public struct IKEHeader: Hashable, Sendable {
    /// The header's length in octets.
    public static let byteCount = 28

    /// The SPI that the initiator of the IKE SA chose; never 0 in IKEv2.
    public var initiatorSPI: UInt64
    /// The SPI that its responder chose; 0 until it has answered.
    public var responderSPI: UInt64
    /// The kind of the first payload; `.none` when there is none.
    public var nextPayload: IKEPayloadKind
    /// The major version: 2 for IKEv2, 1 for IKEv1.
    public var majorVersion: UInt8
    /// The minor version, 0...15.
    public var minorVersion: UInt8
    /// What the message is about.
    public var exchange: IKEExchangeType
    /// The flags as they came.
    public var flags: UInt8
    /// Which request this is, or answers; counted by each side for its own requests.
    public var messageID: UInt32
    /// The length of the whole message in octets, header included, as it says itself.
    public var length: Int

    /// Makes a header of IKEv2.
    public init(
        initiatorSPI: UInt64, responderSPI: UInt64 = 0, nextPayload: IKEPayloadKind,
        exchange: IKEExchangeType, isInitiator: Bool, isResponse: Bool, messageID: UInt32 = 0,
        length: Int = IKEHeader.byteCount
    ) {
        self.initiatorSPI = initiatorSPI
        self.responderSPI = responderSPI
        self.nextPayload = nextPayload
        majorVersion = 2
        minorVersion = 0
        self.exchange = exchange
        flags = (isInitiator ? Self.initiatorFlag : 0) | (isResponse ? Self.responseFlag : 0)
        self.messageID = messageID
        self.length = length
    }

    /// The bit of a message sent by the initiator of the IKE SA.
    public static let initiatorFlag: UInt8 = 0x08
    /// The bit of a message that answers one with the same message ID.
    public static let responseFlag: UInt8 = 0x20

    /// Whether the initiator of the IKE SA sent it.
    public var isFromInitiator: Bool { flags & Self.initiatorFlag != 0 }
    /// Whether it answers a request.
    public var isResponse: Bool { flags & Self.responseFlag != 0 }

    /// Reads a header.
    ///
    /// - Throws: `IKEMessageError.truncated` where octets are missing that the wire had,
    ///   `.malformed` where it had none.
    init(parsing bytes: RawSpan, wireLength: Int) throws(IKEMessageError) {
        guard bytes.byteCount >= Self.byteCount else {
            guard wireLength >= Self.byteCount else { throw .malformed(.header) }
            throw .truncated(needed: Self.byteCount, available: bytes.byteCount)
        }
        initiatorSPI = bytes.bigEndianUInt64(at: 0)
        responderSPI = bytes.bigEndianUInt64(at: 8)
        nextPayload = IKEPayloadKind(rawValue: bytes.uint8(at: 16))
        majorVersion = bytes.uint8(at: 17) >> 4
        minorVersion = bytes.uint8(at: 17) & 15
        exchange = IKEExchangeType(rawValue: bytes.uint8(at: 18))
        flags = bytes.uint8(at: 19)
        messageID = bytes.bigEndianUInt32(at: 20)
        length = Int(bytes.bigEndianUInt32(at: 24))
        guard length >= Self.byteCount, length <= wireLength else { throw .malformed(.length) }
    }
}

/// Why octets are no IKE message at all.
public enum IKEMessageError: Error, Hashable, Sendable {
    /// The capture ends in the header: `needed` octets, `available` there.
    case truncated(needed: Int, available: Int)
    /// The message contradicts itself.
    case malformed(IKEMessageField)
}

/// A part of an IKE message that contradicts its format.
public enum IKEMessageField: String, CaseIterable, Hashable, Sendable {
    /// Fewer than 28 octets on the wire.
    case header
    /// The header's length is under 28 or over what came.
    case length
    /// A payload of fewer than four octets, or one that runs over the message's end.
    case payload
    /// A Security Association payload, its proposals or transforms.
    case proposal
    /// A Key Exchange payload of fewer than four octets.
    case keyExchange
    /// A Notify payload whose SPI runs over its end.
    case notify
    /// A fragment whose number is 0 or over the total.
    case fragment
}
