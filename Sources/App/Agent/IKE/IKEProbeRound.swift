import Configuration
import IKE
import NetworkPrimitives
import RawSockets

/// Probes the IKE ports of some peers at once, on the thread that runs it.
///
/// Each peer's ports get a socket each: what comes to one of them answers what was sent from there.
struct IKEProbeRound {
    /// How many peers are probed at a time: two descriptors each.
    static let batchSize = 128

    private struct Target {
        var name: String
        var remote: IPAddress
        var sockets: [DatagramSocket?]
        var prober: IKEProber
    }

    private static let ports: [UInt16] = [500, 4500]

    private let poll: EventPoll
    private var targets: [Target] = []

    /// What a round told, by the tunnel's name.
    static func run(
        _ plans: [TunnelPlan], until end: MonotonicInstant
    ) -> [String: IKEProbeReport] {
        var reports: [String: IKEProbeReport] = [:]
        for start in stride(from: 0, to: plans.count, by: batchSize) {
            do throws(SocketError) {
                var round = IKEProbeRound(poll: try EventPoll())
                for plan in plans[start...].prefix(batchSize) { try round.add(plan) }
                round.run(until: end)
                for target in round.targets { reports[target.name] = target.prober.report }
            } catch {
                for plan in plans[start...].prefix(batchSize) where reports[plan.name] == nil {
                    reports[plan.name] = .unprobed(because: error.description)
                }
            }
        }
        return reports
    }

    private mutating func add(_ plan: TunnelPlan) throws(SocketError) {
        guard let remote = plan.remote else { return }
        var sockets: [DatagramSocket?] = []
        var sources: [Result<IKEProbeSource, UnprobedPort>] = []
        let route = plan.roles[ProbeRole(.outside, .request).index].route
        let options = EchoSocketOptions(
            family: remote.family, device: route?.device,
            mark: route?.mark ?? 0, namespace: plan.configuration.netns)
        for index in Self.ports.indices {
            do throws(SocketError) {
                let socket = try DatagramSocket(
                    options, from: route?.source, to: remote, codePoint: route?.codePoint ?? 0)
                try poll.add(
                    socket.descriptor, key: UInt64(targets.count * Self.ports.count + index))
                sockets.append(socket)
                sources.append(
                    .success(IKEProbeSource(address: socket.source, port: socket.port)))
            } catch {
                sockets.append(nil)
                sources.append(.failure(UnprobedPort(reason: error.description)))
            }
        }
        var generator = SystemRandomNumberGenerator()
        let random = (0..<IKEProber.randomByteCount).map { _ in
            UInt8.random(in: .min ... .max, using: &generator)
        }
        targets.append(
            Target(
                name: plan.name, remote: remote, sockets: sockets,
                prober: IKEProber(remote: remote, sources: sources, random: random)))
    }

    private mutating func run(until end: MonotonicInstant) {
        while true {
            let now = MonotonicClock.now()
            for index in targets.indices {
                if now >= end { targets[index].prober.abandon(because: "time limit", at: now) }
                if targets[index].prober.deadline.map({ $0 <= now }) ?? true {
                    send(targets[index].prober.advance(to: now), index)
                }
            }
            guard targets.contains(where: { !$0.prober.isFinished }) else { return }
            let next = targets.compactMap(\.prober.deadline).min() ?? end
            var ready: [Int] = []
            poll.wait(until: min(next, end)) { ready.append(Int($0)) }
            for key in ready { drain(key / Self.ports.count, key % Self.ports.count) }
        }
    }

    private mutating func drain(_ index: Int, _ place: Int) {
        guard let socket = targets[index].sockets[place] else { return }
        var prober = targets[index].prober
        var transmissions: [IKEProber.Transmission] = []
        socket.drain { event, payload in
            let now = MonotonicClock.now()
            switch event {
            case .received(let source, let port):
                transmissions += prober.receive(
                    payload, to: Self.ports[place], from: (source, port), at: now)
            case .rejected(let rejection, let port):
                prober.receive(
                    IKEProbeReport.Rejection(
                        kind: rejection.kind, sender: rejection.sender,
                        isHopLimitExceeded: rejection.isHopLimitExceeded),
                    about: port, at: now)
            }
        }
        targets[index].prober = prober
        send(transmissions, index)
    }

    private mutating func send(_ transmissions: [IKEProber.Transmission], _ index: Int) {
        for transmission in transmissions {
            guard let place = Self.ports.firstIndex(of: transmission.port),
                let socket = targets[index].sockets[place],
                let failure = socket.send(
                    transmission.octets, to: targets[index].remote, port: transmission.port,
                    hopLimit: transmission.hopLimit)
            else { continue }
            targets[index].prober.sendFailed(
                to: transmission.port, because: failure.description, at: MonotonicClock.now())
        }
    }
}

extension IKEProbeReport {
    /// A report of ports that were not probed.
    static func unprobed(because reason: String) -> IKEProbeReport {
        var report = IKEProbeReport()
        report.port500.reason = reason
        report.port4500.reason = reason
        return report
    }
}
