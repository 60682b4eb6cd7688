import NetworkPrimitives
import NetworkSimulation

@testable import ProviderChecks

func address(_ text: String) -> IPAddress {
    guard let address = IPAddress(text) else { preconditionFailure("no address: \(text)") }
    return address
}

func at(_ seconds: Double) -> MonotonicInstant {
    MonotonicInstant(nanoseconds: Int64(seconds * 1e9))
}

/// A customer's endpoint as Linux does it, with a provider that checks it, and captures of both devices.
///
/// What leaves follows the kernel's order: forwarding, a source of its own, the reverse path, the
/// FORWARD chain. Request style to an address of the host passes none of these.
struct CheckedHost {
    enum Check: CaseIterable {
        case replyUnidirectional, replyBidirectional, request
    }

    static let inside = address("10.252.2.27")
    static let farInside = address("10.252.2.26")
    static let endpoint = address("203.0.113.10")
    static let settings = ProviderCheckWatch.Settings(
        ownAddresses: [inside, endpoint, address("192.168.1.1")], localEndpoint: endpoint,
        farAddress: farInside, linkPrefixes: [IPPrefix(inside, length: 31)],
        sidePrefixes: [IPPrefix(address("192.168.1.0"), length: 24)])

    var acceptsLocal = true
    var reversePath = 0
    var forwards = true
    var dropsInvalid = false
    var watch: LoneTunnel
    var generator: SeededGenerator
    /// How the capture of a device may fail.
    var misses: Set<CheckObservation.Place> = []
    var delay = 0.0002
    /// By how much the underlay's capture is handed over later.
    var batched: [SeenEcho] = []
    var isBatching = false

    init(
        settings: ProviderCheckWatch.Settings = CheckedHost.settings, seed: UInt64 = 1
    ) {
        watch = LoneTunnel(settings: settings, start: .zero)
        generator = SeededGenerator(seed: seed)
    }

    /// A public address of the provider.
    static func edge(_ number: Int) -> IPAddress { .v4(0xa29e_0000 + UInt32(number)) }

    /// What arrives for a kind of check from one edge.
    static func arrival(
        _ check: Check, edge: Int, identifier: UInt16, sequence: UInt16 = 0, at: MonotonicInstant
    ) -> SeenEcho {
        let (kind, source, destination): (CheckObservation.Kind, IPAddress, IPAddress) =
            switch check {
            case .replyUnidirectional: (.reply, endpoint, Self.edge(edge))
            case .replyBidirectional: (.reply, inside, farInside)
            case .request: (.request, farInside, inside)
            }
        return SeenEcho(
            at: at, place: .tunnel, direction: .inbound, kind: kind, source: source,
            destination: destination, identifier: identifier, sequence: sequence,
            payloadHash: 0x1234, payloadByteCount: 56, hopLimit: 60)
    }

    /// What leaves for what arrives, if anything does.
    func answer(to arrival: SeenEcho) -> SeenEcho? {
        var answer = arrival
        answer.at = arrival.at + .nanoseconds(Int64(delay * 1e9))
        answer.direction = .outbound
        answer.kind = .reply
        if arrival.kind == .request {
            answer.source = arrival.destination
            answer.destination = arrival.source
            answer.hopLimit = 64
        } else {
            let leavesByTunnel = arrival.destination == Self.farInside
            let isOwn = Self.settings.ownAddresses.contains(arrival.source)
            // The source's reverse path: an own address has none, another's is where it lives.
            guard forwards, acceptsLocal || !isOwn, !dropsInvalid,
                reversePath != 1 || leavesByTunnel
            else { return nil }
            answer.hopLimit -= 1
        }
        answer.place =
            answer.destination == Self.farInside ? .tunnel : .wan
        return answer
    }

    mutating func show(_ observation: SeenEcho) {
        guard !misses.contains(observation.place) else { return }
        if isBatching, observation.place == .wan {
            batched.append(observation)
        } else {
            watch.receive(observation)
        }
    }

    mutating func receive(_ arrival: SeenEcho) {
        let answer = answer(to: arrival)
        show(arrival)
        if let answer { show(answer) }
    }

    /// Checks at a steady rate, each with an identifier of its own.
    mutating func run(
        _ check: Check, from start: Double = 0, seconds: Double = 100, perSecond: Double = 5
    ) {
        for number in 0..<Int(seconds * perSecond) {
            let now = start + Double(number) / perSecond
            receive(
                Self.arrival(
                    check, edge: .random(in: 0..<200, using: &generator),
                    identifier: .random(in: 0...UInt16.max, using: &generator), at: at(now)))
            watch.advance(to: at(now))
        }
        watch.advance(to: at(start + seconds + 2))
    }

    func report(_ seconds: Double = 102) -> ProviderChecksReport { watch.report(at: at(seconds)) }
}
