import Configuration
import HostFacts
import KernelState
import Netlink
import NetworkPrimitives
import RawSockets
import Reflecting

/// Runs of some tunnels against their reflectors, all at once, on the thread that runs them.
struct ReflectionRound {
    /// How many run at a time: a descriptor each, and two packets in 10 ms.
    static let batchSize = 32

    /// One run that is wanted.
    struct Order: Sendable {
        var plan: TunnelPlan
        var reflector: Reflector
        /// The reflector's address, resolved.
        var address: IPAddress
    }

    private struct Target {
        var name: String
        var place: TunnelReflection.Place
        var socket: DatagramSocket
        /// The place of its ICMP socket among `echoes`.
        var echo: Int
        var client: ReflectorClient
        var remote: Endpoint
    }

    private let poll: EventPoll
    private var targets: [Target] = []
    private var echoes: [EchoSocket] = []
    private var correlation = ClockCorrelation()

    /// What the runs told, by the tunnel's name.
    static func run(_ orders: [Order], until end: MonotonicInstant) -> [String: TunnelReflection] {
        var results: [String: TunnelReflection] = [:]
        for start in stride(from: 0, to: orders.count, by: batchSize) {
            let batch = orders[start...].prefix(batchSize)
            do throws(SocketError) {
                var round = ReflectionRound(poll: try EventPoll())
                for order in batch {
                    if let failure = round.add(order) { results[order.plan.name] = failure }
                }
                round.run(until: end)
                for target in round.targets {
                    var result = TunnelReflection(place: target.place)
                    result.report = target.client.report
                    results[target.name] = result
                }
            } catch {
                for order in batch where results[order.plan.name] == nil {
                    results[order.plan.name] = TunnelReflection(
                        place: order.place(.unknown(reason: error.description)),
                        unavailable: error.description)
                }
            }
        }
        return results
    }

    private init(poll: EventPoll) { self.poll = poll }

    /// Prepares a run; what it came to, where it cannot be made.
    private mutating func add(_ order: Order) -> TunnelReflection? {
        let way = ReflectorWay.asked(order)
        var place = order.place(way.path)
        place.path = way.path
        if let reason = way.refusal { return TunnelReflection(place: place, unavailable: reason) }
        do {
            let keys = try ReflectorKeyFile.keys(at: order.reflector.keyFile)
            var options = EchoSocketOptions(
                family: order.address.family, mark: way.mark,
                namespace: order.plan.configuration.netns)
            let socket = try DatagramSocket(
                options, from: way.source, to: order.address, bypassesPolicies: false)
            options.admitsRequests = true
            let echo = try echoSocket(options)
            try poll.add(socket.descriptor, key: UInt64(targets.count) << 1)
            var generator = SystemRandomNumberGenerator()
            let random = (0..<ReflectorClient.randomByteCount).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
            targets.append(
                Target(
                    name: order.plan.name, place: place, socket: socket, echo: echo,
                    client: ReflectorClient(
                        keys: keys,
                        settings: .init(family: order.address.family, source: socket.source),
                        random: random, start: MonotonicClock.now()),
                    remote: Endpoint(address: order.address, port: place.port)))
            return nil
        } catch {
            return TunnelReflection(place: place, unavailable: "\(error)")
        }
    }

    /// The place of the ICMP socket with these options; opened where there is none yet.
    private mutating func echoSocket(_ options: EchoSocketOptions) throws(SocketError) -> Int {
        if let known = echoes.firstIndex(where: { $0.options == options }) { return known }
        let socket = try EchoSocket(options, receiveByteCount: 2048)
        try poll.add(socket.descriptor, key: UInt64(echoes.count) << 1 | 1)
        echoes.append(socket)
        return echoes.count - 1
    }

    private mutating func run(until end: MonotonicInstant) {
        while true {
            let now = MonotonicClock.now()
            for index in targets.indices {
                if now >= end { targets[index].client.abandon(because: "time limit", at: now) }
                var actions: [ReflectorClient.Action] = []
                targets[index].client.advance(to: now, into: &actions)
                send(actions, index)
            }
            guard let next = targets.compactMap(\.client.deadline).min() else { return }
            var ready: [Int] = []
            poll.wait(until: min(next, end)) { ready.append(Int($0)) }
            for key in ready {
                if key & 1 == 0 { drainDatagrams(key >> 1) } else { drainEchoes(key >> 1) }
            }
        }
    }

    private mutating func drainDatagrams(_ index: Int) {
        var target = targets[index]
        var actions: [ReflectorClient.Action] = []
        target.socket.drain { event, payload in
            switch event {
            case .received(let source, let port):
                guard Endpoint(address: source, port: port) == target.remote else { return }
                target.client.receive(payload, at: MonotonicClock.now(), into: &actions)
            case .rejected(let rejection, _):
                let sender = rejection.sender.map { ", says \($0)" } ?? ""
                target.client.rejected(because: rejection.kind + sender)
            }
        }
        targets[index] = target
        send(actions, index)
    }

    private mutating func drainEchoes(_ place: Int) {
        var targets = targets
        echoes[place].drain(correlation: &correlation) { event, bytes in
            guard case .received(let message) = event, !message.truncated,
                let echo = ReceivedEcho(
                    bytes, from: message.source, hopLimit: message.hopLimit)
            else { return }
            let payload = bytes.extracting(8..<bytes.byteCount)
            for index in targets.indices where targets[index].echo == place {
                targets[index].client.receive(echo, payload: payload)
            }
        }
        self.targets = targets
    }

    private mutating func send(_ actions: [ReflectorClient.Action], _ index: Int) {
        let target = targets[index]
        for action in actions {
            switch action {
            case .datagram(let octets):
                if let failure = target.socket.send(
                    octets, to: target.remote.address, port: target.remote.port)
                {
                    targets[index].client.rejected(because: failure.description)
                }
            case .probe(let kind, let message):
                let outcome = echoes[target.echo].send(
                    message, to: target.remote.address, from: target.socket.source)
                if case .failed(let failure) = outcome {
                    targets[index].client.failedToSend(
                        kind, isRefusedHere: failure.kind == .denied,
                        because: failure.description)
                }
            }
        }
    }
}

extension ReflectionRound.Order {
    /// Where the reflector is.
    fileprivate func place(_ path: Reading<ProbePath>) -> TunnelReflection.Place {
        TunnelReflection.Place(
            address: address, port: reflector.port ?? ReflectorDaemon.defaultPort, path: path)
    }
}
