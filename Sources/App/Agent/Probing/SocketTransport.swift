import Configuration
import NetworkPrimitives
import RawSockets

/// Sends probes through raw sockets, one for each channel, opened at the first probe that needs it.
///
/// A socket bound to a device that went away stays dead when the device returns, so a send that
/// finds no device closes it, and the next probe opens a new one.
struct SocketTransport: ProbeTransport {
    /// Something about timestamps or sockets that an operator should know.
    enum Notice: Sendable {
        /// Whether the kernel stamps packets on this device as asked; nil where it does, else why not.
        case stamps(device: String?, refusal: String?)
    }

    private final class Channel {
        let socket: EchoSocket
        let channel: ProbeChannel
        let key: UInt64
        let receiveByteCount: Int
        var tags: [(ticket: UInt32, tag: ProbeTag)?]

        init(socket: EchoSocket, channel: ProbeChannel, key: UInt64, receiveByteCount: Int) {
            self.receiveByteCount = receiveByteCount
            self.socket = socket
            self.channel = channel
            self.key = key
            tags = Array(repeating: nil, count: SocketTransport.rememberedTickets)
        }
    }

    /// How many transmissions of one socket can wait for their stamps; stamps come within
    /// milliseconds, so older ones will not come any more.
    private static let rememberedTickets = 4096
    /// The shortest time between two tries to open a socket that could not be opened.
    private static let reopenSpacing = Duration.milliseconds(500)

    let poll: EventPoll
    /// The longest IP packet that is received whole, in octets; it only grows, and sockets that were
    /// opened for less are opened anew.
    private(set) var receiveByteCount = 2048
    private(set) var notices: [Notice] = []
    private var channels: [ProbeChannel: Channel] = [:]
    private var byKey: [UInt64: Channel] = [:]
    private var nextKey: UInt64 = 1
    private var refused: [ProbeChannel: (reason: String, until: MonotonicInstant)] = [:]
    private var correlation = ClockCorrelation()

    init(poll: EventPoll) {
        self.poll = poll
    }

    /// Times the wall clock was set while packets were on their way.
    var clockSteps: UInt64 { correlation.steps }

    /// Packets whose IP header contradicts itself.
    var malformedPackets: UInt64 { channels.values.reduce(0) { $0 + $1.socket.malformedPackets } }

    /// Packets dropped because a socket's receive buffer was full.
    var receiveDrops: UInt64 { channels.values.reduce(0) { $0 + $1.socket.receiveDrops } }

    mutating func takeNotices() -> [Notice] {
        defer { notices = [] }
        return notices
    }

    mutating func send(
        _ message: [UInt8], to destination: IPAddress, by route: ProbeRoute, hopLimit: UInt8?,
        tag: ProbeTag
    ) -> TransportResult {
        let key = ProbeChannel(route)
        let channel: Channel
        switch open(key) {
        case .success(let opened): channel = opened
        case .failure(let refusal): return .failed(reason: refusal.reason)
        }
        let outcome = channel.socket.send(
            message, to: destination, from: route.source, hopLimit: hopLimit,
            // RFC 2474 §3: the code point is the upper six bits of the octet.
            differentiatedServices: route.codePoint << 2)
        switch outcome {
        case .sent(let ticket, let instant):
            channel.tags[Int(ticket) % Self.rememberedTickets] = (ticket, tag)
            return .sent(at: instant)
        case .failed(let failure):
            if failure.kind == .noDevice { close(channel) }
            return .failed(reason: failure.description)
        }
    }

    /// Makes room for the answers to probes of these tunnels.
    mutating func makeRoom(for plans: [TunnelPlan]) {
        let payload = plans.map(\.configuration.probing.payloadBytes).max() ?? 0
        // The longest IP header is 60 octets, the ICMP header 8.
        guard payload + 68 > receiveByteCount else { return }
        receiveByteCount = payload + 68
        for channel in Array(channels.values) where channel.receiveByteCount < receiveByteCount {
            close(channel)
        }
    }

    /// Closes the sockets of a network namespace that was deleted and made again.
    mutating func closeAll(in namespace: String) {
        for channel in Array(channels.values) where channel.channel.namespace == namespace {
            close(channel)
        }
    }

    /// Closes the sockets that no route of `routes` uses.
    mutating func retain(only routes: [ProbeRoute]) {
        let needed = Set(routes.map(ProbeChannel.init))
        for channel in Array(channels.values) where !needed.contains(channel.channel) {
            close(channel)
        }
        refused = refused.filter { needed.contains($0.key) }
    }

    /// Reads everything that waits on the socket with this poll key.
    mutating func drain(
        _ key: UInt64, transmitted: (ProbeTag, MonotonicInstant) -> Void,
        received: (RawSpan, ProbeArrival) -> Void
    ) {
        guard let channel = byKey[key] else { return }
        channel.socket.drain(correlation: &correlation) { event, bytes in
            switch event {
            case .transmitted(let ticket, let instant):
                let place = Int(ticket) % Self.rememberedTickets
                guard let instant, let entry = channel.tags[place], entry.ticket == ticket else {
                    return
                }
                channel.tags[place] = nil
                transmitted(entry.tag, instant)
            case .received(let message):
                received(
                    bytes,
                    ProbeArrival(
                        source: message.source, channel: channel.channel, at: message.at,
                        isStamped: message.stampedByKernel, isTruncated: message.truncated))
            case .queuedError: break
            }
        }
    }

    private struct Refusal: Error {
        var reason: String
    }

    private mutating func open(_ key: ProbeChannel) -> Result<Channel, Refusal> {
        if let channel = channels[key] { return .success(channel) }
        let now = MonotonicClock.now()
        if let refusal = refused[key], now < refusal.until {
            return .failure(Refusal(reason: refusal.reason))
        }
        do throws(SocketError) {
            let socket = try EchoSocket(
                EchoSocketOptions(
                    family: key.family, device: key.device, mark: key.mark,
                    namespace: key.namespace),
                receiveByteCount: receiveByteCount)
            let channel = Channel(
                socket: socket, channel: key, key: nextKey, receiveByteCount: receiveByteCount)
            try poll.add(socket.descriptor, key: nextKey)
            channels[key] = channel
            byKey[nextKey] = channel
            nextKey += 1
            refused[key] = nil
            note(socket.stamps, key)
            return .success(channel)
        } catch {
            refused[key] = (error.description, now + Self.reopenSpacing)
            return .failure(Refusal(reason: error.description))
        }
    }

    private mutating func note(_ stamps: StampSupport, _ key: ProbeChannel) {
        switch stamps {
        case .kernel: notices.append(.stamps(device: key.device, refusal: nil))
        case .receiveOnly(let reason), .none(let reason):
            notices.append(.stamps(device: key.device, refusal: reason))
        }
    }

    private mutating func close(_ channel: Channel) {
        channels[channel.channel] = nil
        byKey[channel.key] = nil
        // The descriptor closes with its last reference and leaves the poll set by that; taking it
        // out first only spares the kernel the lookup, so a refusal changes nothing.
        do throws(SocketError) { try poll.remove(channel.socket.descriptor) } catch {}
    }
}
