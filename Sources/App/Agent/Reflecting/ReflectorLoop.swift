import HostFacts
import Logging
import NetworkPrimitives
import RawSockets
import Reflecting
import Synchronization

/// Runs a reflector's engine over its sockets, on a thread of its own.
final class ReflectorLoop: Sendable {
    /// What each family has.
    private struct Sockets {
        let datagrams: DatagramListener
        let echoes: EchoSocket
    }

    /// What lives on the loop's thread.
    private struct State: ~Copyable {
        let poll: EventPoll
        var sockets: [Sockets]
        var engine: ReflectorEngine
        var correlation = ClockCorrelation()
        /// What was said about drops so far.
        var toldCounts = ReflectorCounts()
        var tellAt: MonotonicInstant
        var watchdogAt = MonotonicInstant.zero
    }

    /// Where it listens.
    let places: [Endpoint]

    private let state: Mutex<State>
    private let waker: Waker
    private let logger: Logger
    private let notification: ServiceNotification
    private let isStopping = Atomic(false)
    private let ended = Mutex<(isOver: Bool, waiter: CheckedContinuation<Void, Never>?)>(
        (false, nil))

    /// How often drops are told of, where there were any.
    private static let tellInterval = Duration.seconds(60)

    /// Opens the sockets.
    ///
    /// - Throws: `SocketError` when one cannot be had; that a host has no IPv6 is none unless an
    ///   address of it was asked for.
    init(
        keys: ReflectionKeys, listen: IPAddress?, port: UInt16, logger: Logger,
        notification: ServiceNotification
    ) throws(SocketError) {
        self.logger = logger
        self.notification = notification
        let poll = try EventPoll()
        waker = poll.waker
        var sockets: [Sockets] = []
        for address in listen.map({ [$0] }) ?? [.v4(0), .v6(0)] {
            do throws(SocketError) {
                let datagrams = try DatagramListener(on: address, port: port)
                var options = EchoSocketOptions(family: address.family)
                options.admitsRequests = true
                let echoes = try EchoSocket(options, receiveByteCount: 2048)
                try poll.add(datagrams.descriptor, key: UInt64(sockets.count * 2))
                try poll.add(echoes.descriptor, key: UInt64(sockets.count * 2 + 1))
                sockets.append(Sockets(datagrams: datagrams, echoes: echoes))
            } catch {
                guard listen == nil, address.family == .v6, error.code == .familyUnsupported
                else { throw error }
                logger.info("this host has no IPv6: \(error)")
            }
        }
        places = sockets.map { Endpoint(address: $0.datagrams.address, port: $0.datagrams.port) }
        var generator = SystemRandomNumberGenerator()
        let random = (0..<ReflectorEngine.randomByteCount).map { _ in
            UInt8.random(in: .min ... .max, using: &generator)
        }
        state = Mutex(
            State(
                poll: poll, sockets: sockets,
                engine: ReflectorEngine(keys: keys, random: random),
                tellAt: MonotonicClock.now() + Self.tellInterval))
    }

    /// Starts the thread.
    func start() throws(SocketError) {
        try PinnedThread.start(name: "reflector") { [self] in
            state.withLock { state in
                while !isStopping.load(ordering: .acquiring) { turn(&state) }
            }
            let waiter = ended.withLock { ended in
                ended.isOver = true
                return ended.waiter.take()
            }
            waiter?.resume()
        }
    }

    /// Ends the thread, and waits for that.
    func stop() async {
        isStopping.store(true, ordering: .releasing)
        waker.wake()
        await withCheckedContinuation { continuation in
            let isOver = ended.withLock { ended in
                if !ended.isOver { ended.waiter = continuation }
                return ended.isOver
            }
            if isOver { continuation.resume() }
        }
    }

    private func turn(_ state: inout State) {
        var deadline = min(state.engine.deadline ?? .distantFuture, state.tellAt)
        if notification.watchdogInterval != nil { deadline = min(deadline, state.watchdogAt) }
        var readable: [Int] = []
        state.poll.wait(until: deadline) { readable.append(Int($0)) }
        for key in readable {
            if key % 2 == 0 {
                drainDatagrams(key / 2, &state)
            } else {
                drainEchoes(key / 2, &state)
            }
        }
        let now = MonotonicClock.now()
        var actions: [ReflectorEngine.Action] = []
        state.engine.advance(to: now, into: &actions)
        perform(actions, over: nil, &state)
        if now >= state.tellAt {
            tellDrops(&state)
            state.tellAt = now + Self.tellInterval
        }
        if let interval = notification.watchdogInterval, now >= state.watchdogAt {
            notification.watchdog()
            // sd_watchdog_enabled(3) advises half the time.
            state.watchdogAt = now + interval / 2
        }
    }

    private func drainDatagrams(_ place: Int, _ state: inout State) {
        let sockets = state.sockets[place]
        var actions: [ReflectorEngine.Action] = []
        sockets.datagrams.drain { arrival, bytes in
            state.engine.receive(
                bytes, from: Endpoint(address: arrival.source, port: arrival.sourcePort),
                to: arrival.destination, hopLimit: arrival.hopLimit, at: MonotonicClock.now(),
                into: &actions)
        }
        perform(actions, over: sockets, &state)
    }

    private func drainEchoes(_ place: Int, _ state: inout State) {
        let echoes = state.sockets[place].echoes
        var correlation = state.correlation
        echoes.drain(correlation: &correlation) { event, bytes in
            guard case .received(let message) = event, !message.truncated,
                let echo = ReceivedEcho(
                    bytes, from: message.source, hopLimit: message.hopLimit)
            else { return }
            state.engine.receive(
                echo, payload: bytes.extracting(8..<bytes.byteCount), at: message.at)
        }
        state.correlation = correlation
    }

    private func perform(
        _ actions: [ReflectorEngine.Action], over sockets: Sockets?, _ state: inout State
    ) {
        for action in actions {
            switch action {
            case .answer(let octets, let agent, let local):
                guard let sockets else { preconditionFailure("an answer to nothing") }
                if let failure = sockets.datagrams.send(
                    octets, to: agent.address, port: agent.port, from: local)
                {
                    logger.debug("an answer to \(agent) was not sent: \(failure)")
                }
            case .probe(let order):
                guard let sockets else { preconditionFailure("a probe for nothing") }
                let outcome = sockets.echoes.send(
                    order.message, to: order.destination, from: order.source)
                switch outcome {
                case .sent: state.engine.note(order, wasSent: true)
                case .failed(let failure):
                    state.engine.note(order, wasSent: false)
                    logger.debug("a probe to \(order.destination) was not sent: \(failure)")
                }
            case .ended(let summary): logger.notice("\(summary.text)")
            }
        }
    }

    private func tellDrops(_ state: inout State) {
        let counts = state.engine.counts
        let new = counts.drops(since: state.toldCounts)
        if !new.isEmpty {
            let parts = new.map { "\($0.count) \($0.reason)" }.joined(separator: ", ")
            logger.notice("dropped in the last minute: \(parts)")
        }
        state.toldCounts = counts
    }
}

extension ReflectorEngine.Summary {
    /// One line for people.
    fileprivate var text: String {
        "run of \(agent)\(wasEnded ? "" : ", which did not ask for its receipt"): received "
            + "\(receipt.replies.received) Echo Replies and \(receipt.requests.received) Echo "
            + "Requests, sent \(receipt.sentReplies) and \(receipt.sentRequests)"
            + (receipt.refused > 0 ? "; \(receipt.refused) were refused by this host" : "")
    }
}
