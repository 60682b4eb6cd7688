import Configuration
import KernelState
import NetworkPrimitives

/// Whether the selectors cover one kind of health check, both ways it needs.
struct ProbeCoverage: Sendable {
    /// Which check it is.
    enum Probe: String, Sendable {
        /// An Echo Request and its answer between the two inside addresses.
        case request
        /// The provider's unsolicited Echo Reply between the inside addresses, which arrives with a
        /// source of this side and is to be sent back as it is.
        case replySelfAddressed = "reply_self_addressed"
        /// The one of unidirectional checks: from this side's outer address to a public address of the
        /// provider, which arrives through the tunnel and leaves beside it.
        case replyFromEndpoint = "reply_from_endpoint"
        /// The GRE packets of a device that IPsec protects.
        case gre
    }

    /// One lookup that the kernel makes.
    struct Lookup: Sendable {
        var question: PolicyQuestion
        var decision: SelectorCoverage.Decision
    }

    var probe: Probe
    var source: Reading<IPAddress>
    var destination: Reading<IPAddress>
    var `protocol`: UInt8
    var lookups: [Lookup] = []

    /// Whether every lookup ends in IPsec; nil when an address is not known.
    var isCovered: Bool? {
        lookups.isEmpty ? nil : lookups.allSatisfy(\.decision.isProtected)
    }

    /// What the policies say of a check that arrives by a tunnel and of its answer, if that goes back
    /// through it.
    ///
    /// - Parameters:
    ///   - plan: the tunnel.
    ///   - device: its device.
    ///   - snapshot: the links of its namespace.
    ///   - policies: the policies of its namespace.
    ///   - isReply: whether the check is an unsolicited Echo Reply, and no request.
    ///   - source: the address that is asked, which is the answer's source.
    ///   - destination: the check's sender.
    ///   - isForwarded: whether the check passes this host.
    /// - Returns: the lookups; nil where the addresses are not of one family.
    static func lookups(
        of plan: TunnelPlan, device: LinkState?, in snapshot: KernelSnapshot,
        policies: [SecurityPolicy], isReply: Bool, from source: IPAddress,
        to destination: IPAddress, isForwarded: Bool
    ) -> (arrival: Lookup?, departure: Lookup?) {
        let asker = Asker(plan, device: device, in: snapshot, policies: policies)
        let protocolNumber: UInt8? = source.family == .v6 ? 58 : 1
        let from = Reading.known(source)
        let to = Reading.known(destination)
        let arrival = asker.row(
            isReply ? .replySelfAddressed : .request, from, to, protocol: protocolNumber
        ) { source, destination in
            [
                isReply
                    ? .init(
                        direction: asker.arrival, source: source, destination: destination)
                    : .init(
                        direction: isForwarded ? asker.arrival : .in, source: destination,
                        destination: source, type: 8),
                .init(direction: .out, source: source, destination: destination),
            ]
        }
        return (arrival.lookups.first, arrival.lookups.dropFirst().first)
    }

    /// The checks of a tunnel.
    static func rows(
        of plan: TunnelPlan, device: LinkState?, in snapshot: KernelSnapshot,
        policies: [SecurityPolicy]
    ) -> [ProbeCoverage] {
        let asker = Asker(plan, device: device, in: snapshot, policies: policies)
        func known(_ address: IPAddress?, _ key: String) -> Reading<IPAddress> {
            address.map(Reading.known) ?? .unknown(reason: plan.unknown[key] ?? "not known")
        }
        let outer = (known(plan.local, "local"), known(plan.remote, "remote"))
        if plan.kind == .gre {
            // What the device sends is one protocol between two addresses, whatever is inside.
            return [
                asker.row(.gre, outer.0, outer.1, protocol: 47) { source, destination in
                    [
                        .init(direction: .out, source: source, destination: destination),
                        .init(direction: .in, source: destination, destination: source),
                    ]
                }
            ]
        }
        let inside = (
            known(plan.configuration.insideSource, "inside_source"),
            known(plan.configuration.insideTarget, "inside_target")
        )
        return [
            asker.row(.request, inside.0, inside.1) { source, destination in
                [
                    .init(direction: .out, source: source, destination: destination, type: 8),
                    .init(direction: .in, source: destination, destination: source),
                ]
            },
            asker.row(.replySelfAddressed, inside.0, inside.1) { source, destination in
                [
                    .init(
                        direction: asker.arrival, source: source, destination: destination),
                    .init(direction: .out, source: source, destination: destination),
                ]
            },
            asker.row(.replyFromEndpoint, outer.0, outer.1) { source, destination in
                [
                    .init(
                        direction: asker.arrival, source: source, destination: destination)
                ]
            },
        ]
    }
}

/// Asks as the tunnel's packets would be asked about.
private struct Asker {
    private let coverage: SelectorCoverage
    private let kind: TunnelKind
    private let device: LinkState?
    private let mark: UInt32
    private let wanIndex: Int?

    init(
        _ plan: TunnelPlan, device: LinkState?, in snapshot: KernelSnapshot,
        policies: [SecurityPolicy]
    ) {
        coverage = SelectorCoverage(policies)
        kind = plan.kind
        self.device = device
        // What inside packets are marked with where no device does it.
        let inside = plan.roles[ProbeRole(.inside, .request).index].route?.mark
        mark = plan.kind == .policy ? inside ?? plan.configuration.fwmark : 0
        wanIndex = plan.wanInterface.flatMap { snapshot.link(named: $0)?.index }
    }

    /// The lookup for a packet that arrives to be forwarded.
    ///
    /// A VTI asks as soon as it has unwrapped a packet, whatever its destination; everything else is
    /// asked about on its way through this host.
    var arrival: SecurityPolicy.Direction { kind == .vti ? .in : .forward }

    /// One lookup: which, from where to where, and the type of an ICMP message for IPv4.
    struct Question {
        var direction: SecurityPolicy.Direction
        var source: IPAddress
        var destination: IPAddress
        var type: UInt16 = 0
    }

    func row(
        _ probe: ProbeCoverage.Probe, _ source: Reading<IPAddress>,
        _ destination: Reading<IPAddress>, protocol: UInt8? = nil,
        _ questions: (IPAddress, IPAddress) -> [Question]
    ) -> ProbeCoverage {
        let isV6 = (destination.value ?? source.value)?.family == .v6
        // ICMPv6 is a protocol of its own, and numbers its echoes 128 and 129.
        var row = ProbeCoverage(
            probe: probe, source: source, destination: destination,
            protocol: `protocol` ?? (isV6 ? 58 : 1))
        guard let from = source.value, let to = destination.value, from.family == to.family else {
            return row
        }
        row.lookups = questions(from, to).map { asked in
            let type: UInt16 =
                row.protocol == 58 ? (asked.type == 8 ? 128 : 129) : asked.type
            let question = PolicyQuestion(
                direction: asked.direction, source: asked.source, destination: asked.destination,
                protocol: row.protocol, sourcePort: type,
                mark: mark(asked.direction), interfaceID: kind == .xfrm ? device?.interfaceID : nil,
                interfaceIndex: kind == .policy || kind == .gre ? wanIndex : device?.index)
            return ProbeCoverage.Lookup(
                question: question, decision: coverage.decision(on: question))
        }
        return row
    }

    private func mark(_ direction: SecurityPolicy.Direction) -> UInt32 {
        guard kind == .vti else { return mark }
        return (direction == .out ? device?.outKey : device?.inKey) ?? 0
    }
}
