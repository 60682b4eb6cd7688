import NetworkPrimitives

/// A packet of the vici protocol, behind its length of four octets.
public enum ViciPacket: Equatable, Sendable {
    /// Asks the daemon for something.
    case request(String, ViciMessage)
    /// The daemon's answer.
    case response(ViciMessage)
    /// The daemon does not know the command.
    case unknownCommand
    /// Asks to be told of an event from now on.
    case register(String)
    /// Asks to be told no more.
    case unregister(String)
    /// The daemon agrees to that.
    case confirmed
    /// The daemon does not know the event.
    case unknownEvent
    /// What the daemon tells by itself.
    case event(String, ViciMessage)

    /// The daemon sends none that is longer.
    public static let byteLimit = 512 * 1024

    /// Reads a packet without its length.
    ///
    /// - Throws: `ViciError` for octets that are none.
    public init(parsing bytes: RawSpan) throws(ViciError) {
        var reader = ViciReader(offset: 0)
        let kind = try reader.octet(bytes)
        func message() throws(ViciError) -> ViciMessage {
            try ViciMessage(parsing: bytes.extracting(reader.offset..<bytes.byteCount))
        }
        switch kind {
        case 0:
            let name = try reader.name(bytes)
            self = .request(name, try message())
        case 1: self = .response(try message())
        case 2: self = .unknownCommand
        case 3: self = .register(try reader.name(bytes))
        case 4: self = .unregister(try reader.name(bytes))
        case 5: self = .confirmed
        case 6: self = .unknownEvent
        case 7:
            let name = try reader.name(bytes)
            self = .event(name, try message())
        default: throw .malformed
        }
    }

    /// The packet on the wire, behind its length.
    public var octets: [UInt8] {
        var body: [UInt8] = []
        func named(_ kind: UInt8, _ name: String, _ message: [UInt8] = []) {
            body.append(kind)
            body.append(viciName: name)
            body += message
        }
        switch self {
        case .request(let name, let message): named(0, name, message.octets)
        case .response(let message): body = [1] + message.octets
        case .unknownCommand: body = [2]
        case .register(let name): named(3, name)
        case .unregister(let name): named(4, name)
        case .confirmed: body = [5]
        case .unknownEvent: body = [6]
        case .event(let name, let message): named(7, name, message.octets)
        }
        var octets: [UInt8] = []
        octets.append(bigEndian: UInt16(body.count >> 16))
        octets.append(bigEndian: UInt16(truncatingIfNeeded: body.count))
        return octets + body
    }
}

/// Finds the packets in a stream of octets.
public struct ViciStream: Sendable {
    private var octets: [UInt8] = []

    /// Makes an empty stream.
    public init() {}

    /// Takes what came next.
    public mutating func append(_ more: ArraySlice<UInt8>) { octets += more }

    /// The next packet, once it is complete; nil until then.
    ///
    /// - Throws: `ViciError` for octets that are no packet. One that is longer than the protocol allows
    ///   leaves nothing that could be read after it.
    public mutating func next() throws(ViciError) -> ViciPacket? {
        guard octets.count >= 4 else { return nil }
        let count = octets.withRawSpan { Int($0.bigEndianUInt32(at: 0)) }
        guard count <= ViciPacket.byteLimit else { throw .malformed }
        guard octets.count >= 4 + count else { return nil }
        defer { octets.removeFirst(4 + count) }
        return try octets.withRawSpan { bytes throws(ViciError) in
            try ViciPacket(parsing: bytes.extracting(4..<4 + count))
        }
    }
}
