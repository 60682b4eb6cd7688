import Configuration
import KernelState
import NetworkPrimitives

/// What tells one measured path from another.
enum PathKey: Hashable, Sendable {
    /// An underlay: tunnels with one source, endpoint, device, mark and namespace share it.
    case outside(ProbeRoute)
    /// The inside of a tunnel, by its name.
    case inside(String)

    /// The path that a tunnel has there; nil for an underlay whose endpoint is not known.
    init?(_ plan: TunnelPlan, _ path: ProbePath) {
        switch path {
        case .inside: self = .inside(plan.name)
        case .outside:
            guard let route = plan.roles[ProbeRole(.outside, .request).index].route,
                route.destination != nil
            else { return nil }
            self = .outside(route)
        }
    }
}

/// One path to be measured, as the plans of its tunnels describe it.
struct PathSubject: Equatable, Sendable {
    /// A tunnel that the path belongs to; of several, the first.
    var plan: TunnelPlan
    var path: ProbePath
    /// All tunnels that it belongs to, by name.
    var tunnels: Set<String>
    /// Between two searches: the shortest that its tunnels want.
    var searchInterval: Duration
    /// Between two ladders.
    var ladderInterval: Duration

    /// Makes the subject of one tunnel.
    init(_ plan: TunnelPlan, _ path: ProbePath) {
        self.plan = plan
        self.path = path
        tunnels = [plan.name]
        searchInterval = plan.configuration.probing.pmtuInterval
        ladderInterval = plan.configuration.probing.replyPathInterval
    }

    /// The paths of some tunnels, each once, in the order of the tunnels.
    static func subjects(of plans: [TunnelPlan]) -> [(key: PathKey, subject: PathSubject)] {
        var places: [PathKey: Int] = [:]
        var subjects: [(key: PathKey, subject: PathSubject)] = []
        for plan in plans {
            for path in ProbePath.allCases {
                guard let key = PathKey(plan, path) else { continue }
                let subject = PathSubject(plan, path)
                if let place = places[key] {
                    let known = subjects[place].subject
                    subjects[place].subject.tunnels.insert(plan.name)
                    subjects[place].subject.searchInterval = min(
                        known.searchInterval, subject.searchInterval)
                    subjects[place].subject.ladderInterval = min(
                        known.ladderInterval, subject.ladderInterval)
                } else {
                    places[key] = subjects.count
                    subjects.append((key, subject))
                }
            }
        }
        return subjects
    }

    /// How packets of a size leave, or why they do not.
    var search: RolePlan { plan.roles[ProbeRole(path, .request).index] }

    /// How the ladder's packets leave, or why they do not.
    ///
    /// Inside, they go beyond the far end: the far end itself would answer, and no hop limit run out.
    var ladder: RolePlan { plan.roles[ProbeRole(path, .reply).index] }

    /// The device that its packets leave by, or why that is not known.
    var device: Reading<String> {
        switch path {
        case .inside:
            if let device = plan.tunnelInterface { return .known(device) }
            if plan.configuration.role == .observer {
                return .unknown(
                    reason:
                        "an appliance ends this tunnel: which device answers come by is not known")
            }
            // A policy-based tunnel's packets show up there when they are decrypted.
            return underlay
        case .outside: return underlay
        }
    }

    private var underlay: Reading<String> {
        plan.wanInterface.map { .known($0) }
            ?? .unknown(
                reason: "the WAN interface is not known: "
                    + (plan.unknown["wan_interface"] ?? "set wan_interface"))
    }

    /// Whether its packets are seen as they are on `device` when they leave: those of a policy-based
    /// tunnel are encrypted by then.
    var leavesInPlain: Bool {
        path == .outside || plan.tunnelInterface != nil
    }

    /// Whether it is still the same path as `earlier`, as far as this host decides that.
    func leadsTheSameWay(as earlier: PathSubject) -> Bool {
        search.route == earlier.search.route && ladder.route == earlier.ladder.route
            && device == earlier.device && plan.local == earlier.plan.local
    }

    /// The device's MTU in octets; nil while not known.
    func deviceMTU(in snapshot: KernelSnapshot) -> Int? {
        device.value.flatMap { snapshot.link(named: $0)?.mtu }
    }
}
