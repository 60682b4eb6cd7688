@testable import Agent
import NetworkPrimitives
import NetworkSimulation
import PacketFormats
import RawSockets

/// Carries probes over a simulated network, with the kernel's stamps as a socket would give them:
/// on the wall clock, read some time after they were taken.
struct SimulatedTransport: ProbeTransport {
    /// A way of probing: to this address, bound to this device.
    struct Way: Hashable {
        var destination: IPAddress
        var device: String?
    }

    /// The kernel's transmit stamp of one message, not yet read.
    struct TransmitStamp {
        var tag: ProbeTag
        var sentAt: MonotonicInstant
        var stamp: WallTime
    }

    /// From the send call to the transmit stamp.
    static let localDelay = Duration.microseconds(20)

    var network: SimulatedNetwork
    var clock = VirtualClock()
    private(set) var stamps: [TransmitStamp] = []
    private(set) var channels: [SimulatedNetwork.Route: ProbeChannel] = [:]
    private var routes: [Way: SimulatedNetwork.Route] = [:]
    /// Messages that no path takes: a test that forgot one.
    private(set) var strayMessages = 0
    /// When messages left on the routes that are watched.
    private(set) var departures: [SimulatedNetwork.Route: [MonotonicInstant]] = [:]

    init(seed: UInt64) {
        network = SimulatedNetwork(seed: seed)
    }

    /// Lays a path for what is sent to its target over `device`.
    @discardableResult
    mutating func connect(
        _ path: SimulatedPath, device: String? = nil
    ) -> SimulatedNetwork.Route {
        let route = network.connect(path)
        routes[Way(destination: path.target, device: device)] = route
        channels[route] = ProbeChannel(ProbeRoute(destination: path.target, device: device))
        return route
    }

    /// Keeps the send times of a route from now on.
    mutating func watch(_ route: SimulatedNetwork.Route) { departures[route] = [] }

    mutating func send(
        _ message: [UInt8], to destination: IPAddress, by route: ProbeRoute, hopLimit: UInt8?,
        tag: ProbeTag
    ) -> TransportResult {
        guard let way = routes[Way(destination: destination, device: route.device)],
            let echo = Self.echo(message, destination.family)
        else {
            strayMessages += 1
            return .failed(reason: "no simulated path to \(destination)")
        }
        let checksum = UInt16(message[2]) << 8 | UInt16(message[3])
        guard
            network.send(echo, checksum: checksum, hopLimit: hopLimit, over: way, at: clock.now)
        else { return .failed(reason: "the simulated kernel refuses") }
        departures[way]?.append(clock.now)
        stamps.append(
            TransmitStamp(tag: tag, sentAt: clock.now, stamp: clock.wall + Self.localDelay))
        return .sent(at: clock.now)
    }

    mutating func takeStamps() -> [TransmitStamp] {
        defer { stamps.removeAll(keepingCapacity: true) }
        return stamps
    }

    /// The message as it was encoded; an ICMPv6 checksum is the kernel's to fill in, so that of
    /// IPv6 is not looked at.
    private static func echo(_ bytes: [UInt8], _ family: IPAddress.Family) -> EchoMessage? {
        let message = try? bytes.withRawSpan { span throws(PacketError) in
            try ICMPMessage(parsing: span, family: family)
        }
        guard case .echo(let echo)? = message else { return nil }
        return echo
    }
}
