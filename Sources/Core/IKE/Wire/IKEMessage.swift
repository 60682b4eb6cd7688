import NetworkPrimitives

/// An IKE message as far as it can be read without its keys.
///
/// RFC 7296 §3. Everything up to the first encrypted payload is read; of IKEv1 and of other versions
/// the header alone. A message that ends early or contradicts itself keeps what stood before that.
public struct IKEMessage: Hashable, Sendable {
    /// The most payloads of one message that are read.
    public static let maximumPayloads = 64
    /// The most transforms of one message that are read, over all its proposals.
    public static let maximumTransforms = 512

    /// How far a message could be read.
    public enum Extent: Hashable, Sendable {
        /// To its end, or to its encrypted part.
        case complete
        /// To the end of what was captured.
        case truncated
        /// To something that contradicts its format.
        case malformed(IKEMessageField)
        /// To the limits of this reader.
        case excessive
    }

    /// A payload of the chain.
    public struct Payload: Hashable, Sendable {
        /// What it is.
        public var kind: IKEPayloadKind
        /// Its length in octets, its header of four included.
        public var length: Int
        /// Whether a receiver that does not know it must refuse the message.
        public var isCritical: Bool
    }

    /// A public key that is offered.
    public struct KeyExchange: Hashable, Sendable {
        /// The method it is for.
        public var group: IKEGroup
        /// Its length in octets.
        public var length: Int
    }

    /// What is encrypted: all that follows.
    public struct Encrypted: Hashable, Sendable {
        /// The kind of the first payload inside; `.none` for an empty message, and in later fragments.
        public var firstInside: IKEPayloadKind
        /// The length in octets, initialization vector and check value included.
        public var length: Int
        /// Which fragment of how many (RFC 7383 §2.5), the first is 1; nil where it is whole.
        public var fragment: Fragment?
    }

    /// The place of a fragment in its message, RFC 7383 §2.5.
    public struct Fragment: Hashable, Sendable {
        /// Its number, 1...total.
        public var number: UInt16
        /// How many there are.
        public var total: UInt16
    }

    /// Its header.
    public var header: IKEHeader
    /// How far it was read.
    public var extent = Extent.complete
    /// The payloads in the clear and the encrypted one, in their order.
    public var payloads: [Payload] = []
    /// The proposals in their order; of an answer, the one chosen.
    public var proposals: [IKEProposal] = []
    /// The public key; nil where there is none in the clear.
    public var keyExchange: KeyExchange?
    /// The nonce's length in octets; nil where there is none in the clear.
    public var nonceLength: Int?
    /// The notifies in their order.
    public var notifies: [IKENotify] = []
    /// The vendor IDs in their order, up to 64 octets of each.
    public var vendorIDs: [[UInt8]] = []
    /// What is encrypted; nil where nothing is.
    public var encrypted: Encrypted?

    /// Makes a message of a header alone.
    public init(header: IKEHeader) { self.header = header }

    /// Whether this is IKEv1, of which the header alone is read.
    public var isIKEv1: Bool { header.majorVersion == 1 }

    /// The first notify of a kind.
    public func notify(_ kind: IKENotifyKind) -> IKENotify? {
        notifies.first { $0.kind == kind }
    }

    /// Reads a message, without UDP header and non-ESP marker.
    ///
    /// - Parameters:
    ///   - bytes: the captured octets of it; any octets are safe.
    ///   - wireLength: how many octets the datagram had for it on the wire; nil for those captured.
    /// - Throws: `IKEMessageError` when there is no header to read. What is wrong behind the header is
    ///   in `extent`.
    public init(parsing bytes: RawSpan, wireLength: Int? = nil) throws(IKEMessageError) {
        let wire = max(wireLength ?? bytes.byteCount, bytes.byteCount)
        header = try IKEHeader(parsing: bytes, wireLength: wire)
        guard header.majorVersion == 2 else { return }
        var walk = PayloadWalk(
            captured: min(bytes.byteCount, header.length), end: header.length)
        extent = walk.read(bytes, into: &self)
    }
}
