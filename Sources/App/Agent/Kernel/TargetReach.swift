import Configuration
import KernelState
import NetworkPrimitives

/// Whether a health check's target is reached from the tunnel: an address of this host or routed, and covered
/// by the selectors.
struct TargetReach: Sendable {
    /// The target.
    var target: IPAddress
    /// Whether it is reached, or why that is not known.
    var isReached: Reading<Bool>
    /// Whether it is an address of this host; nil while that is not known.
    var isLocal: Bool?
    /// Why it is not, or how it is: a part of a sentence.
    var detail: String

    /// Looks a target up.
    ///
    /// - Parameters:
    ///   - target: the address.
    ///   - plan: the tunnel.
    ///   - device: its device; nil where it has none.
    ///   - snapshot: addresses, routes and policies of its namespace.
    init(
        of target: IPAddress, _ plan: TunnelPlan, _ device: LinkState?, in snapshot: KernelSnapshot
    ) {
        self.target = target
        guard let addresses = snapshot.addresses.value, let routes = snapshot.routes.value else {
            let reason = snapshot.addresses.reason ?? snapshot.routes.reason ?? "not read"
            isReached = .unknown(reason: reason)
            detail = reason
            return
        }
        let isLocal = addresses.contains { $0.address == target }
        self.isLocal = isLocal
        if !isLocal {
            // Main (254) and local (255): what a forwarded packet is looked up in by default.
            let best = routes.filter {
                $0.destination.contains(target) && ($0.table == 254 || $0.table == 255)
            }.max { $0.destination.length < $1.destination.length }
            guard let best, best.kind == .unicast || best.kind == .local else {
                isReached = .known(false)
                detail = "\(target) is no address of this host, and no route leads to it"
                return
            }
            let wan = plan.wanInterface.flatMap { snapshot.link(named: $0)?.index }
            if best.destination.length == 0, wan != nil, best.outputInterface == wan {
                isReached = .known(false)
                detail =
                    "\(target) is no address of this host, and only the default route over "
                    + "\(plan.wanInterface ?? "the underlay") has it, back to where checks come from"
                return
            }
        }
        if let policies = snapshot.policies.value, plan.kind != .gre,
            let sender = plan.configuration.insideTarget ?? plan.remote,
            sender.family == target.family
        {
            let lookups = ProbeCoverage.lookups(
                of: plan, device: device, in: snapshot, policies: policies, isReply: false,
                from: target, to: sender, isForwarded: !isLocal)
            let bare = [lookups.arrival, lookups.departure].compactMap { $0 }
                .filter { !$0.decision.isProtected }
            if plan.kind == .policy, let first = bare.first {
                isReached = .known(false)
                detail = "the selectors do not cover it: \(ObstacleSearch.words(first))"
                return
            }
        }
        isReached = .known(true)
        detail = isLocal ? "\(target) is an address of this host" : "\(target) is routed"
    }
}
