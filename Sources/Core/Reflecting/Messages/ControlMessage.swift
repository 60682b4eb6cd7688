import NetworkPrimitives
import PacketFormats

/// A datagram between an agent and a reflector, version 1; docs/reflect-protocol.md has the bits.
///
/// Every one is of the same length, and the reflector sends at most one packet for each, no longer
/// than it: so it is no amplifier, whoever asks.
struct ControlMessage: Hashable, Sendable {
    /// The length of every datagram in octets, its tag included.
    static let byteCount = 160
    /// The octets before the tag.
    static let taggedByteCount = byteCount - MessageAuthenticator.tagByteCount
    /// The version that this codec speaks.
    static let version: UInt8 = 1

    private static let magic: UInt32 = 0x5450_5246  // "TPRF"
    private static let bodyStart = 40

    /// What the agent calls the run: random, 128 bits.
    var nonce: UInt128
    /// What the reflector calls it; 0 before it has said so.
    var run: UInt64
    /// Grows with each datagram of the agent; the reflector repeats that of what it answers.
    var counter: UInt32
    /// What is said.
    var body: Body

    /// The kinds of messages.
    enum Body: Hashable, Sendable {
        /// From the agent: I am here.
        case hello
        /// From the reflector: prove that you are, by repeating this.
        case challenge(cookie: UInt128)
        /// From the agent: begin a run, whose probes have these identifiers, see `ProbeMark`.
        case begin(cookie: UInt128, identifiers: UInt16)
        /// From the reflector: it has begun, or not.
        case begun(Admission)
        /// From the agent: send one probe back. The probe is the answer.
        case send(kind: EchoMessage.Kind, index: UInt16)
        /// From the agent: what did you receive? `isLast` ends the run.
        case ask(isLast: Bool)
        /// From the reflector: this.
        case receipt(Receipt)

        /// The octet that names the kind; the agent's are odd.
        var type: UInt8 {
            switch self {
            case .hello: 1
            case .challenge: 2
            case .begin: 3
            case .begun: 4
            case .send: 5
            case .ask: 7
            case .receipt: 8
            }
        }

        /// Whether agents send it.
        var isFromAgent: Bool { type % 2 == 1 }
    }

    /// What becomes of a run that an agent wants to begin.
    struct Admission: Hashable, Sendable {
        /// Whether the reflector has no room for it.
        var isBusy = false
        /// Where the agent's datagram came from.
        var observed: Endpoint
        /// The hop limit it came with; nil where the kernel did not say.
        var hopLimit: UInt8?
        /// How long the run may last, in seconds.
        var lifetimeSeconds: UInt16
        /// Probes of each kind have indices below this.
        var indexLimit: UInt16
    }
}

// MARK: - Writing

extension ControlMessage {
    /// The datagram, with its tag.
    func sealed(_ keys: ReflectionKeys) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(Self.byteCount)
        octets.append(bigEndian: Self.magic)
        octets += [Self.version, body.type, 0, 0]
        octets.append(bigEndian: nonce)
        octets.append(bigEndian: run)
        octets.append(bigEndian: counter)
        octets += [0, 0, 0, 0]
        switch body {
        case .hello: break
        case .challenge(let cookie): octets.append(bigEndian: cookie)
        case .begin(let cookie, let identifiers):
            octets.append(bigEndian: cookie)
            octets.append(bigEndian: identifiers)
        case .begun(let admission): admission.append(to: &octets)
        case .send(let kind, let index):
            octets += [kind == .request ? 1 : 2, 0]
            octets.append(bigEndian: index)
        case .ask(let isLast): octets.append(isLast ? 1 : 0)
        case .receipt(let receipt): receipt.append(to: &octets)
        }
        precondition(octets.count <= Self.taggedByteCount, "a body longer than its room")
        octets += Array(repeating: 0, count: Self.taggedByteCount - octets.count)
        return octets + (body.isFromAgent ? keys.agent : keys.reflector).tag(of: octets)
    }
}

// MARK: - Reading

/// Why a datagram is no control message.
enum ControlMessageError: Error, Hashable, Sendable {
    /// Shorter than every message.
    case truncated
    /// Longer than every message, or with a field that the format forbids.
    case malformed
    /// Not of this protocol at all.
    case foreign
    /// Of another version of it.
    case unknownVersion(UInt8)
}

extension ControlMessage {
    /// Reads a datagram; takes any octets, and says nothing about who sent them.
    ///
    /// - Throws: `ControlMessageError`, with what is wrong.
    init(parsing bytes: RawSpan) throws(ControlMessageError) {
        guard bytes.byteCount >= 8 else { throw .truncated }
        guard bytes.bigEndianUInt32(at: 0) == Self.magic else { throw .foreign }
        let version = bytes.uint8(at: 4)
        guard version == Self.version else { throw .unknownVersion(version) }
        guard bytes.byteCount >= Self.byteCount else { throw .truncated }
        guard bytes.byteCount == Self.byteCount, bytes.bigEndianUInt16(at: 6) == 0,
            bytes.bigEndianUInt32(at: 36) == 0
        else { throw .malformed }
        nonce = bytes.bigEndianUInt128(at: 8)
        run = bytes.bigEndianUInt64(at: 24)
        counter = bytes.bigEndianUInt32(at: 32)
        let used: Int
        (body, used) = try Self.body(
            of: bytes.uint8(at: 5), bytes.extracting(Self.bodyStart..<Self.taggedByteCount))
        for offset in (Self.bodyStart + used)..<Self.taggedByteCount {
            guard bytes.uint8(at: offset) == 0 else { throw .malformed }
        }
    }

    /// Reads a body, and says how many of its octets mean something.
    private static func body(
        of type: UInt8, _ bytes: RawSpan
    ) throws(ControlMessageError) -> (Body, used: Int) {
        switch type {
        case 1: return (.hello, 0)
        case 2: return (.challenge(cookie: bytes.bigEndianUInt128(at: 0)), 16)
        case 3:
            return (
                .begin(
                    cookie: bytes.bigEndianUInt128(at: 0),
                    identifiers: bytes.bigEndianUInt16(at: 16)), 18
            )
        case 4: return (.begun(try Admission(parsing: bytes)), Admission.byteCount)
        case 5:
            guard (1...2).contains(bytes.uint8(at: 0)), bytes.uint8(at: 1) == 0
            else { throw .malformed }
            let kind: EchoMessage.Kind = bytes.uint8(at: 0) == 1 ? .request : .reply
            return (.send(kind: kind, index: bytes.bigEndianUInt16(at: 2)), 4)
        case 7:
            guard bytes.uint8(at: 0) <= 1 else { throw .malformed }
            return (.ask(isLast: bytes.uint8(at: 0) == 1), 1)
        case 8: return (.receipt(try Receipt(parsing: bytes)), Receipt.byteCount)
        default: throw .malformed
        }
    }

    /// Whether the datagram that this was read from has the right tag.
    func isAuthentic(_ bytes: RawSpan, _ keys: ReflectionKeys) -> Bool {
        (body.isFromAgent ? keys.agent : keys.reflector).isAuthentic(
            bytes, upTo: Self.taggedByteCount, tagByteCount: MessageAuthenticator.tagByteCount)
    }
}

extension [UInt8] {
    /// Appends a 32-bit number in network order.
    mutating func append(bigEndian value: UInt32) {
        append(bigEndian: UInt16(truncatingIfNeeded: value >> 16))
        append(bigEndian: UInt16(truncatingIfNeeded: value))
    }

    /// Appends a 128-bit number in network order.
    mutating func append(bigEndian value: UInt128) {
        append(bigEndian: UInt64(truncatingIfNeeded: value >> 64))
        append(bigEndian: UInt64(truncatingIfNeeded: value))
    }
}
