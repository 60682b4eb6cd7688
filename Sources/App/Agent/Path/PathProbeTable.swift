import NetworkPrimitives
import PacketFormats
import ReplyPath

/// Finds the probe of one round that an ICMP message is about.
///
/// Nothing is believed that does not name a probe by its destination, kind, identifier and sequence
/// number (of a datagram: ports and checksum), and no Echo Reply that does not bring back the mark of
/// the request; whatever else comes is counted. Memory is what was sent.
struct PathProbeTable {
    /// Who wanted a probe sent.
    enum Lane: Hashable, Sendable {
        /// The search for the largest packet.
        case search
        /// The ladder of hop-limited packets.
        case ladder
    }

    /// What came of one probe.
    struct Finding: Equatable {
        /// What happened.
        enum Event: Hashable {
            /// It was seen on the device that it leaves by.
            case left
            /// Its target answered.
            case echo
            /// A router, or this host, or its target refused it.
            case error(ICMPError.Meaning, sender: IPAddress, quotedSource: IPAddress)
        }

        var lane: Lane
        /// The number that its engine gave it.
        var number: UInt64
        var event: Event
    }

    /// Messages that were not used, by why.
    struct Refused: Equatable, Sendable {
        /// Of another program, another path or nobody.
        var foreign: UInt64 = 0
        /// About a probe of this round, and not as an answer to it can be: another destination, an
        /// Echo Reply from elsewhere or with another content.
        var implausible: UInt64 = 0
        /// With a wrong checksum or lengths that contradict each other.
        var malformed: UInt64 = 0
        /// Too short to tell what they are about.
        var truncated: UInt64 = 0
    }

    private enum Key: Hashable {
        case echo(EchoMessage.Kind, identifier: UInt16, sequence: UInt16)
        case datagram(sourcePort: UInt16, checksum: UInt16)
    }

    private struct Probe {
        var lane: Lane
        var number: UInt64
        var target: IPAddress
        /// The mark and length of an echo message; 0 for a datagram.
        var nonce: UInt64 = 0
        var payloadByteCount = 0
        var destinationPort: UInt16 = 0
        /// What was told of it already: the same message may come by several ways.
        var told: [Finding.Event] = []
    }

    /// The most different things that are told of one probe.
    private static let mostTold = 8

    private var probes: [Key: Probe] = [:]
    /// What was not used.
    private(set) var refused = Refused()
    /// ICMP errors about probes that a capture saw, and those that a socket heard.
    private(set) var errorsCaptured = 0
    private(set) var errorsHeard = 0

    /// Whether a firewall of this host keeps errors from sockets: several were captured, and none was
    /// heard.
    var isDeaf: Bool { errorsCaptured >= 3 && errorsHeard == 0 }

    // MARK: - What is sent

    /// Notes an echo message that is about to be sent.
    mutating func add(_ echo: EchoMessage, to target: IPAddress, lane: Lane, number: UInt64) {
        probes[.echo(echo.kind, identifier: echo.identifier, sequence: echo.sequence)] = Probe(
            lane: lane, number: number, target: target, nonce: echo.nonce,
            payloadByteCount: echo.payloadByteCount)
    }

    /// Notes a datagram that is about to be sent.
    mutating func addDatagram(
        from sourcePort: UInt16, to target: IPAddress, port: UInt16, checksum: UInt16, lane: Lane,
        number: UInt64
    ) {
        probes[.datagram(sourcePort: sourcePort, checksum: checksum)] = Probe(
            lane: lane, number: number, target: target, destinationPort: port)
    }

    // MARK: - What comes

    /// Takes a captured frame, of whatever direction.
    mutating func receive(
        frame: RawSpan, link: LinkKind, wireLength: Int, decoder: FrameDecoder = FrameDecoder()
    ) -> Finding? {
        guard
            case .icmp(let header, let octets) = decoder.decode(
                frame, linkType: link, wireLength: wireLength)
        else { return nil }
        return receive(
            frame.extracting(octets), from: header.source, to: header.destination,
            // Only the first fragment comes here; its checksum covers the others too.
            isTruncated: header.isFragment || frame.byteCount < wireLength, isCaptured: true)
    }

    /// Takes an ICMP message without its IP header.
    ///
    /// `destination` is nil where the kernel did not say.
    mutating func receive(
        _ bytes: RawSpan, from source: IPAddress, to destination: IPAddress?, isTruncated: Bool,
        isCaptured: Bool
    ) -> Finding? {
        let message: ICMPMessage
        do throws(PacketError) {
            // The kernel gives no socket an ICMPv6 message with a wrong checksum.
            let addresses = destination.flatMap { isCaptured ? (source, $0) : nil }
            message = try ICMPMessage(
                parsing: bytes, family: source.family, isTruncated: isTruncated,
                between: addresses)
        } catch {
            switch error {
            case .unsupported: refused.foreign += 1
            case .truncated: refused.truncated += 1
            case .malformed: refused.malformed += 1
            }
            return nil
        }
        switch message {
        case .echo(let echo):
            return receive(echo, from: source, to: destination, isWhole: !isTruncated)
        case .error(let error):
            let quote = error.quote
            return take(
                .error(error.meaning, sender: source, quotedSource: quote.source),
                of: .echo(
                    quote.kind, identifier: quote.identifier, sequence: quote.sequence),
                isCaptured: isCaptured
            ) { $0.target == quote.destination }
        case .datagramError(let error):
            let quote = error.quote
            return take(
                .error(error.meaning, sender: source, quotedSource: quote.source),
                of: .datagram(sourcePort: quote.sourcePort, checksum: quote.checksum),
                isCaptured: isCaptured
            ) { $0.target == quote.destination && $0.destinationPort == quote.destinationPort }
        }
    }

    private mutating func receive(
        _ echo: EchoMessage, from source: IPAddress, to destination: IPAddress?, isWhole: Bool
    ) -> Finding? {
        let own = Key.echo(echo.kind, identifier: echo.identifier, sequence: echo.sequence)
        if let probe = probes[own], probe.target == destination, probe.nonce == echo.nonce {
            return take(.left, of: own, isCaptured: true) { _ in true }
        }
        guard echo.kind == .reply else {
            refused.foreign += 1
            return nil
        }
        let request = Key.echo(
            .request, identifier: echo.identifier, sequence: echo.sequence)
        return take(.echo, of: request, isCaptured: false) { probe in
            probe.target == source && probe.nonce == echo.nonce
                && (!isWhole || echo.payloadByteCount == probe.payloadByteCount)
        }
    }

    /// What is new of the probe with that key, if `fits` it.
    private mutating func take(
        _ event: Finding.Event, of key: Key, isCaptured: Bool, where fits: (Probe) -> Bool
    ) -> Finding? {
        guard let probe = probes[key] else {
            refused.foreign += 1
            return nil
        }
        guard fits(probe) else {
            refused.implausible += 1
            return nil
        }
        if case .error = event {
            errorsCaptured += isCaptured ? 1 : 0
            errorsHeard += isCaptured ? 0 : 1
        }
        guard !probe.told.contains(event), probe.told.count < Self.mostTold else { return nil }
        probes[key]?.told.append(event)
        return Finding(lane: probe.lane, number: probe.number, event: event)
    }
}
