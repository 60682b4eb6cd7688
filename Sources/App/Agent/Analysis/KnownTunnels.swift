public import Configuration
import ESPAnalysis
import IKE
import NetworkPrimitives

/// The configured tunnels, by whose outer addresses a stream of a file gets tunnel and direction.
///
/// A tunnel whose `local` is configured wants both ends to be right, one without it the far end
/// alone; the former wins. No name is resolved: a file may be of last year and of another place.
public struct KnownTunnels: Equatable, Sendable {
    /// A tunnel's ends as its stanza states them.
    struct Ends: Equatable, Sendable {
        var name: String
        var remote: IPAddress
        var local: IPAddress?
    }

    /// The tunnels' names, those included whose far end is a DNS name.
    public let names: [String]
    /// Every window size that the configuration names, sorted.
    let replayWindows: [Int]
    let ends: [Ends]
    /// Why a stream or a record has no tunnel.
    let absence: String

    /// Knows the tunnels of a configuration.
    public init(of configuration: AgentConfiguration) {
        self.init(configuration, absence: "no tunnel of the configuration has these addresses")
    }

    /// Knows no tunnel.
    ///
    /// - Parameter reason: why there is no configuration.
    public init(absentBecause reason: String) {
        self.init(.defaults, absence: reason)
    }

    private init(_ configuration: AgentConfiguration, absence: String) {
        names = configuration.tunnels.map(\.name)
        ends = configuration.tunnels.compactMap { tunnel in
            guard case .address(let remote) = tunnel.remote else { return nil }
            return Ends(name: tunnel.name, remote: remote, local: tunnel.local)
        }
        let settings = [configuration.probing] + configuration.tunnels.map(\.probing)
        replayWindows = Set(settings.flatMap(\.replayWindows)).sorted()
        self.absence = absence
    }

    /// Knows tunnels as they are watched, with what this host knows of their ends.
    ///
    /// The near end of an observer's tunnel is an appliance's: what this host would send from is
    /// nothing to go by, so only a configured one counts.
    init(of plans: [TunnelPlan]) {
        names = plans.map(\.name)
        ends = plans.compactMap { plan in
            guard let remote = plan.remote else { return nil }
            let isEndpoint = plan.configuration.role == .endpoint
            return Ends(
                name: plan.name, remote: remote,
                local: isEndpoint ? plan.local : plan.configuration.local)
        }
        replayWindows = Set(plans.flatMap(\.configuration.probing.replayWindows)).sorted()
        absence = "no tunnel has these addresses"
    }

    /// The tunnel that packets with these addresses come in by; nil for none.
    func inboundTunnel(source: IPAddress, destination: IPAddress) -> String? {
        let candidates = ends.filter { $0.remote == source }
        return candidates.first { $0.local == destination }?.name
            ?? candidates.first { $0.local == nil }?.name
    }

    /// A rekey with its place among the tunnels.
    ///
    /// - Parameters:
    ///   - rekey: the rekey.
    ///   - clock: the file's clock.
    /// - Returns: the rekey with tunnel and direction, or with the reason why it has none.
    func placed(_ rekey: RekeyReading.Rekey, _ clock: CaptureClock) -> CapturedRekey {
        let way = rekey.way
        var placed = CapturedRekey(
            record: rekey.record, source: way.source, destination: way.destination, clock: clock)
        if let name = inboundTunnel(source: way.source, destination: way.destination) {
            (placed.tunnel, placed.direction) = (name, .inbound)
        } else if let name = inboundTunnel(source: way.destination, destination: way.source) {
            (placed.tunnel, placed.direction) = (name, .outbound)
        } else {
            placed.unknownBecause = absence
        }
        return placed
    }

    /// The far ends.
    var remotes: Set<IPAddress> { Set(ends.map(\.remote)) }

    /// The near ends that are known.
    var locals: Set<IPAddress> { Set(ends.compactMap(\.local)) }

    /// Each tunnel's ends; the near one is nil where it is not known.
    var places: [(name: String, local: IPAddress?, remote: IPAddress)] {
        ends.map { ($0.name, $0.local, $0.remote) }
    }

    /// The IKE of two hosts with its place among the tunnels.
    func placed(_ report: IKEWireReport, _ clock: CaptureClock) -> IKEConversation {
        var conversation = IKEConversation(report: report, clock: clock)
        if let local = report.local, let remote = report.remote {
            conversation.tunnel = name(local: local, remote: remote)
        }
        if conversation.tunnel == nil { conversation.unknownBecause = absence }
        return conversation
    }

    /// The tunnel between two hosts; nil when there is none.
    func name(local: IPAddress, remote: IPAddress) -> String? {
        let candidates = ends.filter { $0.remote == remote }
        return (candidates.first { $0.local == local } ?? candidates.first { $0.local == nil })?
            .name
    }

    /// A stream with its place among the tunnels.
    ///
    /// - Parameters:
    ///   - report: the stream.
    ///   - lastSeen: when its latest packet arrived.
    /// - Returns: the stream with tunnel and direction, or with the reason why it has none.
    func placed(_ report: StreamReport, lastSeen: WallTime) -> CapturedStream {
        var stream = CapturedStream(report: report, lastSeen: lastSeen)
        let destination = report.id.destination
        for wantsLocal in [true, false] {
            for end in ends where (end.local != nil) == wantsLocal {
                if report.sources.contains(end.remote), end.local ?? destination == destination {
                    (stream.tunnel, stream.direction) = (end.name, .inbound)
                    return stream
                }
                if destination == end.remote, end.local.map(report.sources.contains) ?? true {
                    (stream.tunnel, stream.direction) = (end.name, .outbound)
                    return stream
                }
            }
        }
        stream.unknownBecause = absence
        return stream
    }
}
