import CaptureFormats
import NetworkPrimitives
import PacketCapture
import PacketFormats
import RawSockets
import ReplyPath

/// The sockets of one round: echo messages of any size, none of them to be cut up, and datagrams.
final class PathSockets {
    /// What became of a packet.
    enum Outcome {
        /// The kernel took it; the instant is the one before the call.
        case sent(at: MonotonicInstant)
        /// It did not.
        case failed(SendFailure)
    }

    /// The longest packet that is sent or received, in octets: the largest jumbo frame in common use.
    static let longestPacket = 9216

    /// The address that packets carry.
    let source: IPAddress
    /// For what arrives on the device that packets leave by, and for what this host says itself.
    let echoSockets: [EchoSocket]

    private let route: ProbeRoute
    /// Where packets go.
    let target: IPAddress
    private let options: EchoSocketOptions
    private let bypassesPolicies: Bool
    /// By the source port that the ladder knows it by.
    private var datagramSockets: [UInt16: DatagramSocket] = [:]
    private var message: [UInt8] = []

    /// Opens the sockets for packets to `target`.
    ///
    /// - Throws: `SocketError`: no privilege, no device, no route.
    init(_ route: ProbeRoute, to target: IPAddress, path: ProbePath) throws(SocketError) {
        self.route = route
        self.target = target
        bypassesPolicies = path == .outside
        var options = EchoSocketOptions(
            family: target.family, device: route.device, mark: route.mark,
            namespace: route.namespace, mayFragment: false)
        options.bypassesPolicies = bypassesPolicies
        // For datagrams; whose replies an echo socket hears is nothing to them.
        self.options = options
        options.peer = target
        let source = route.source.flatMap { $0.family == target.family ? $0 : nil }
        var sockets = [try EchoSocket(options, receiveByteCount: Self.longestPacket)]
        if route.device != nil {
            // A tunnel device says that a packet does not fit in a message that comes over `lo`.
            var anywhere = EchoSocketOptions(
                family: target.family, mark: route.mark, namespace: route.namespace)
            anywhere.peer = target
            sockets.append(try EchoSocket(anywhere, receiveByteCount: Self.longestPacket))
        }
        echoSockets = sockets
        let scout = try DatagramSocket(
            options, from: source, to: target, codePoint: route.codePoint,
            bypassesPolicies: bypassesPolicies)
        self.source = scout.source
    }

    /// Sends an echo message.
    func send(_ echo: EchoMessage, checksum: UInt16, hopLimit: UInt8?) -> Outcome {
        echo.encode(family: target.family, checksum: checksum, into: &message)
        let outcome = echoSockets[0].send(
            message, to: target, from: source, hopLimit: hopLimit,
            differentiatedServices: route.codePoint << 2)
        switch outcome {
        case .sent(_, let instant): return .sent(at: instant)
        case .failed(let failure): return .failed(failure)
        }
    }

    /// The port that datagrams leave from which their ladder numbers `port`; nil when no socket can be
    /// had.
    func sourcePort(for port: UInt16) -> UInt16? {
        if let socket = datagramSockets[port] { return socket.port }
        do throws(SocketError) {
            let socket = try DatagramSocket(
                options, from: source, to: target, codePoint: route.codePoint,
                bypassesPolicies: bypassesPolicies)
            datagramSockets[port] = socket
            return socket.port
        } catch {
            return nil
        }
    }

    /// Sends a datagram of a ladder.
    func sendDatagram(_ probe: LadderProbe) -> Outcome {
        guard let socket = datagramSockets[probe.identifier] else {
            return .failed(SendFailure(kind: .other, errno: 0))
        }
        let payload = NumberedDatagram.payload(
            byteCount: LadderProbe.payloadByteCount, checksum: probe.checksum, from: source,
            port: socket.port, to: target, port: probe.sequence)
        let at = MonotonicClock.now()
        let failure = socket.send(
            payload, to: target, port: probe.sequence, hopLimit: probe.hopLimit)
        return failure.map { .failed($0) } ?? .sent(at: at)
    }
}

/// The ICMP of one device, for the time of a round.
///
/// It sees answers that a firewall of this host keeps from sockets, and the round's own packets as
/// they leave.
final class PathCapture {
    /// Octets of a packet that are kept: whole ICMP errors, which RFC 4884 and RFC 4443 keep below
    /// 1280 octets.
    private static let snapshotLength = 1600
    /// Somebody waits for every answer.
    private static let handOver = Duration.milliseconds(4)

    private var live: LiveCapture
    private let link: LinkKind

    /// Opens a capture of what goes to and comes for `endpoints`, of echo messages those with `targets`.
    init(
        _ device: String, in namespace: String?, endpoints: Set<IPAddress>, targets: Set<IPAddress>
    ) throws(CaptureError) {
        var filter = CaptureFilter(traffic: [.icmp], endpoints: endpoints)
        filter.echoPeers = targets
        live = try LiveCapture(
            device, in: namespace,
            settings: LiveCapture.Settings(
                snapshotLength: Self.snapshotLength,
                bufferSize: LiveCapture.Settings.minimumBufferSize,
                handOver: Self.handOver),
            filter: filter)
        link = LinkKind(linkType: live.linkType.rawValue)
    }

    /// What an `EventPoll` waits for.
    var descriptor: CInt { live.descriptor }

    /// Hands on the frames that wait, at most about `limit`.
    func drain(
        limit: Int,
        _ body: (_ frame: RawSpan, _ link: LinkKind, WallTime, _ wireLength: Int) -> Void
    ) throws(CaptureError) {
        let link = link
        _ = try live.dispatch(limit: limit) { frame, stamp, length in
            body(frame, link, stamp, length)
        }
    }
}
