public import NetworkPrimitives

/// Sends IKE_SA_INIT to UDP 500 and 4500 of one peer and reads what comes back, once.
///
/// Each port gets at most two tries, and a few follow-ups that teach something: a cookie is echoed
/// once (RFC 7296 §2.6), another group is offered once where the peer wants it (§1.3), and what the
/// provider does not list is offered once where the peer refuses what it does. After
/// ``Settings/packetLimit`` packets nothing more is sent, whatever comes back; to a port that stays silent
/// the request goes again with hop limits, twice a hop at most, to learn how far it gets.
public struct IKEProber: Sendable {
    /// How patient a prober is.
    public struct Settings: Hashable, Sendable {
        /// From the first try to the second.
        public var retryAfter = Duration.seconds(1)
        /// From the last try to the verdict that nothing comes back.
        public var patience = Duration.seconds(2)
        /// Packets in all, to both ports.
        public var packetLimit = 8

        /// Makes the usual settings.
        public init() {}
    }

    /// A datagram to send.
    public struct Transmission: Hashable, Sendable {
        /// The peer's port.
        public var port: UInt16
        /// The UDP datagram's octets.
        public var octets: [UInt8]
        /// The most hops that it may go; nil for the system's usual.
        public var hopLimit: UInt8?
    }

    /// The octets of randomness that a prober needs: SPIs and nonces.
    public static let randomByteCount = 2 * PortProbe.randomByteCount

    private let remote: IPAddress
    private let settings: Settings
    var probes: [PortProbe]
    private var ignored = IgnoredAnswers()
    private var sent = 0
    private var hasOfferedOthers = false
    private var endedAt: MonotonicInstant?

    /// Makes a prober; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - remote: the peer.
    ///   - sources: the address and port that packets to 500 and to 4500 leave from; nil for a port
    ///     that cannot be probed, and why.
    ///   - random: `randomByteCount` octets that nobody can guess.
    ///   - settings: how patient it is.
    /// - Precondition: `random` has `randomByteCount` octets, `sources` two entries.
    public init(
        remote: IPAddress, sources: [Result<IKEProbeSource, UnprobedPort>], random: [UInt8],
        settings: Settings = Settings()
    ) {
        precondition(random.count == Self.randomByteCount, "randomness of another length")
        precondition(sources.count == 2, "a source for each port")
        self.remote = remote
        self.settings = settings
        let half = PortProbe.randomByteCount
        probes = [UInt16(500), 4500].enumerated().map { index, number in
            PortProbe(
                number: number, remote: remote, source: sources[index],
                random: Array(random[index * half..<(index + 1) * half]))
        }
    }

    /// When something is to be done without a packet; nil when it is done.
    public var deadline: MonotonicInstant? { probes.compactMap(\.deadline).min() }

    /// Whether all is decided.
    public var isFinished: Bool { probes.allSatisfy(\.isFinished) }

    /// What is known.
    public var report: IKEProbeReport {
        var report = IKEProbeReport()
        report.port500 = probes[0].report
        report.port4500 = probes[1].report
        report.ignored = ignored
        report.endedAt = endedAt
        return report
    }

    /// Does what is due; the first call sends the first packets.
    public mutating func advance(to now: MonotonicInstant) -> [Transmission] {
        var transmissions: [Transmission] = []
        for index in probes.indices {
            switch probes[index].due(at: now) {
            case .nothing: break
            case .send: transmit(index, now, into: &transmissions)
            case .silence:
                probes[index].concludeSilence()
                climb(index, now, into: &transmissions)
            case .climb: climb(index, now, into: &transmissions)
            }
        }
        settle(now)
        return transmissions
    }

    /// Takes a datagram that came to the socket of a port.
    ///
    /// - Parameters:
    ///   - datagram: the UDP payload; any octets are safe.
    ///   - port: the peer's port whose socket it came to.
    ///   - source: where it came from.
    ///   - now: the current instant.
    /// - Returns: what to send.
    public mutating func receive(
        _ datagram: RawSpan, to port: UInt16, from source: (IPAddress, UInt16),
        at now: MonotonicInstant
    ) -> [Transmission] {
        guard let index = probes.firstIndex(where: { $0.report.number == port }) else { return [] }
        guard source == (remote, port) else {
            ignored.foreign += 1
            return []
        }
        guard let message = Self.message(of: datagram, port: port) else {
            ignored.malformed += 1
            return []
        }
        var transmissions: [Transmission] = []
        switch probes[index].take(message, at: now, mayOfferOthers: !hasOfferedOthers) {
        case .ignored: ignored.unasked += 1
        case .malformed: ignored.malformed += 1
        case .finished: break
        case .again: transmit(index, now, into: &transmissions)
        case .others:
            hasOfferedOthers = true
            transmit(index, now, into: &transmissions)
        }
        settle(now)
        return transmissions
    }

    /// Takes an ICMP error about a packet to a port.
    public mutating func receive(
        _ rejection: IKEProbeReport.Rejection, about port: UInt16, at now: MonotonicInstant
    ) {
        guard let index = probes.firstIndex(where: { $0.report.number == port }) else { return }
        probes[index].take(rejection, at: now)
        settle(now)
    }

    /// Notes that a packet to a port could not be sent; the port is given up.
    public mutating func sendFailed(
        to port: UInt16, because reason: String, at now: MonotonicInstant
    ) {
        guard let index = probes.firstIndex(where: { $0.report.number == port }) else { return }
        if !probes[index].isClimbing { sent -= 1 }
        probes[index].sendFailed(reason)
        settle(now)
    }

    /// Ends it before its time; what is undecided is not known, for that reason.
    public mutating func abandon(because reason: String, at now: MonotonicInstant) {
        for index in probes.indices { probes[index].abandon(reason) }
        settle(now)
    }

    private mutating func transmit(
        _ index: Int, _ now: MonotonicInstant, into transmissions: inout [Transmission]
    ) {
        guard sent < settings.packetLimit else {
            probes[index].stop()
            return
        }
        sent += 1
        let octets = probes[index].transmit(at: now, settings)
        transmissions.append(Transmission(port: probes[index].report.number, octets: octets))
    }

    private mutating func climb(
        _ index: Int, _ now: MonotonicInstant, into transmissions: inout [Transmission]
    ) {
        guard let request = probes[index].climb(at: now) else { return }
        transmissions.append(
            Transmission(
                port: probes[index].report.number, octets: request.octets,
                hopLimit: request.hopLimit))
    }

    private mutating func settle(_ now: MonotonicInstant) {
        if endedAt == nil, isFinished { endedAt = now }
    }

    /// The IKE message of a datagram; nil when there is none in it.
    private static func message(of datagram: RawSpan, port: UInt16) -> IKEMessage? {
        var octets = datagram
        if port == 4500 {
            // RFC 3948 §2.2: four octets of zero say that it is not ESP.
            guard datagram.byteCount >= 4, datagram.bigEndianUInt32(at: 0) == 0 else { return nil }
            octets = datagram.extracting(4..<datagram.byteCount)
        }
        do throws(IKEMessageError) {
            let message = try IKEMessage(parsing: octets)
            return message.extent == .complete ? message : nil
        } catch {
            return nil
        }
    }
}

/// Where the packets to a port leave from.
public struct IKEProbeSource: Hashable, Sendable {
    /// The address that they carry when they leave this host.
    public var address: IPAddress
    /// The port.
    public var port: UInt16

    /// Makes a source.
    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }
}

/// Why a port cannot be probed.
public struct UnprobedPort: Error, Hashable, Sendable {
    /// The reason, a part of a sentence.
    public var reason: String

    /// Makes a reason.
    public init(reason: String) { self.reason = reason }
}
