import NetworkPrimitives
import PacketFormats
import RawSockets

/// Sends one packet of the size that fits each of some paths, and waits for the targets' answers.
struct PathConfirmation {
    /// One packet.
    struct Order: Sendable {
        var path: ProbePath
        var route: ProbeRoute
        /// Octets of the IP packet.
        var byteCount: Int
    }

    /// How long an answer may take.
    static let timeout = Duration.seconds(1)

    private let poll: EventPoll
    private var readers: [(socket: EchoSocket, place: Int)] = []
    private var tables: [PathProbeTable] = []
    private var correlation = ClockCorrelation()
    private var answers: [Bool?]

    /// Sends them all at once and blocks until all are answered or late.
    ///
    /// - Returns: for each whether it was answered; nil where it could not be sent.
    static func run(_ orders: [Order]) -> [Bool?] {
        do throws(SocketError) {
            var confirmation = PathConfirmation(poll: try EventPoll(), count: orders.count)
            for (place, order) in orders.enumerated() { confirmation.send(order, place) }
            confirmation.wait()
            return confirmation.answers
        } catch {
            return orders.map { _ in nil }
        }
    }

    private init(poll: EventPoll, count: Int) {
        self.poll = poll
        tables = Array(repeating: PathProbeTable(), count: count)
        answers = Array(repeating: nil, count: count)
    }

    private mutating func send(_ order: Order, _ place: Int) {
        guard let target = order.route.destination else { return }
        do throws(SocketError) {
            let sockets = try PathSockets(order.route, to: target, path: order.path)
            for socket in sockets.echoSockets {
                readers.append((socket, place))
                try poll.add(socket.descriptor, key: UInt64(readers.count - 1))
            }
            let checksum = UInt16.random(in: 1...0xfffe)
            let echo = EchoMessage(
                ofPacket: order.byteCount, family: target.family,
                identifier: UInt16.random(in: 1 ... .max), sequence: 1, checksum: checksum)
            tables[place].add(echo, to: target, lane: .search, number: 0)
            if case .sent = sockets.send(echo, checksum: checksum, hopLimit: nil) {
                answers[place] = false
            }
        } catch {
            // No socket: not sent, which says nothing about the path.
        }
    }

    private mutating func wait() {
        let end = MonotonicClock.now() + Self.timeout
        var ready: [UInt64] = []
        while answers.contains(false), MonotonicClock.now() < end {
            ready.removeAll(keepingCapacity: true)
            poll.wait(until: end) { ready.append($0) }
            for key in ready {
                let (socket, place) = readers[Int(key)]
                socket.drain(correlation: &correlation) { event, bytes in
                    guard case .received(let message) = event,
                        let finding = tables[place].receive(
                            bytes, from: message.source, to: message.destination,
                            isTruncated: message.truncated, isCaptured: false),
                        finding.event == .echo
                    else { return }
                    answers[place] = true
                }
            }
        }
    }
}

extension EchoMessage {
    /// An Echo Request with a random mark that makes an IP packet of so many octets.
    init(
        ofPacket byteCount: Int, family: IPAddress.Family, identifier: UInt16, sequence: UInt16,
        checksum: UInt16
    ) {
        let headers = (family == .v4 ? 20 : 40) + Self.headerByteCount
        self.init(
            kind: .request, family: family, identifier: identifier, sequence: sequence,
            nonce: UInt64.random(in: .min ... .max),
            payloadByteCount: max(byteCount - headers, Self.minimumPayloadByteCount),
            checksum: checksum)
    }
}
