public import NetworkPrimitives
public import PacketFormats

/// What stands in a probe's payload: whose it is, of which run, and that it is genuine.
///
/// The kernel of a host that an Echo Request reaches sends the payload back as it came, so the mark
/// says what the probe was when it was sent, and the ICMP type what it is now.
struct ProbeMark: Hashable, Sendable {
    /// The length of every probe's payload in octets.
    static let byteCount = 56

    private static let magic: UInt32 = 0x5450_5250  // "TPRP"
    private static let taggedByteCount = 16
    /// RFC 2104 §5 allows half of a tag, and the mark holds for one run only.
    private static let tagByteCount = 16

    /// What a probe was when it was sent, and by whom.
    enum Origin: UInt8, CaseIterable, Hashable, Sendable {
        case agentRequest = 1
        case agentReply = 2
        case reflectorRequest = 3
        case reflectorReply = 4

        /// What a probe of one side is.
        init(_ kind: EchoMessage.Kind, isFromAgent: Bool) {
            switch (kind, isFromAgent) {
            case (.request, true): self = .agentRequest
            case (.reply, true): self = .agentReply
            case (.request, false): self = .reflectorRequest
            case (.reply, false): self = .reflectorReply
            }
        }

        /// What it was sent as.
        var kind: EchoMessage.Kind {
            self == .agentRequest || self == .reflectorRequest ? .request : .reply
        }
    }

    /// What it was when it was sent.
    var origin: Origin
    /// Its number among those of its origin.
    var index: UInt16
    /// The run, as the reflector calls it.
    var run: UInt64

    /// The whole ICMP message that carries the mark.
    ///
    /// Each of the four origins has an identifier of its own, `identifiers` and the next three: a
    /// firewall that lets an Echo Request through expects a reply of the same identifier, and would
    /// let an unsolicited one through for it. An IPv6 message's checksum is the kernel's to fill.
    func message(
        identifiers: UInt16, family: IPAddress.Family, _ keys: ReflectionKeys
    ) -> [UInt8] {
        var octets: [UInt8] = [origin.kind.type(in: family), 0, 0, 0]
        octets.append(bigEndian: identifiers &+ UInt16(origin.rawValue - 1))
        octets.append(bigEndian: index)
        var mark: [UInt8] = []
        mark.append(bigEndian: Self.magic)
        mark += [ControlMessage.version, origin.rawValue]
        mark.append(bigEndian: index)
        mark.append(bigEndian: run)
        mark += keys.probe.tag(of: mark)[..<Self.tagByteCount]
        mark += Array(repeating: 0, count: Self.byteCount - mark.count)
        octets += mark
        if family == .v4 {
            let sum = ~octets.withRawSpan { InternetChecksum.sum($0) }
            octets[2] = UInt8(sum >> 8)
            octets[3] = UInt8(truncatingIfNeeded: sum)
        }
        return octets
    }

    /// Reads the payload of an echo message; nil for one that is not of this protocol.
    ///
    /// Takes any octets. Whether the mark is genuine, `isAuthentic` says.
    init?(parsing payload: RawSpan) {
        guard payload.byteCount == Self.byteCount, payload.bigEndianUInt32(at: 0) == Self.magic,
            payload.uint8(at: 4) == ControlMessage.version,
            let origin = Origin(rawValue: payload.uint8(at: 5))
        else { return nil }
        self.origin = origin
        index = payload.bigEndianUInt16(at: 6)
        run = payload.bigEndianUInt64(at: 8)
    }

    /// Makes a mark.
    init(origin: Origin, index: UInt16, run: UInt64) {
        (self.origin, self.index, self.run) = (origin, index, run)
    }

    /// Whether the payload that this was read from has the right tag.
    static func isAuthentic(_ payload: RawSpan, _ keys: ReflectionKeys) -> Bool {
        keys.probe.isAuthentic(payload, upTo: taggedByteCount, tagByteCount: tagByteCount)
    }
}

/// An echo message as a raw socket gave it, as far as reflecting reads it.
public struct ReceivedEcho: Sendable {
    /// Request or reply, on arrival.
    public var kind: EchoMessage.Kind
    /// Where it came from.
    public var source: IPAddress
    /// The hop limit on arrival; nil where the kernel did not say.
    public var hopLimit: UInt8?

    /// Makes one from an ICMP message without its IP header; nil for other types.
    ///
    /// Nil for an IPv4 message with a wrong checksum too, which raw sockets get; that of ICMPv6 the
    /// kernel has looked at.
    public init?(_ message: RawSpan, from source: IPAddress, hopLimit: UInt8?) {
        guard message.byteCount >= EchoMessage.headerByteCount,
            source.family == .v6 || InternetChecksum.sum(message) == 0xffff
        else { return nil }
        switch message.uint8(at: 0) {
        case EchoMessage.Kind.request.type(in: source.family): kind = .request
        case EchoMessage.Kind.reply.type(in: source.family): kind = .reply
        default: return nil
        }
        self.source = source
        self.hopLimit = hopLimit
    }
}
