import Configuration
import Diagnosis
import KernelState
import NetworkPrimitives
import TunnelHealth

/// What the facts of one tunnel are made of, at one moment.
///
/// Each group of facts is made in a file of its own.
struct FactSource {
    /// What is known of the tunnel.
    var report: TunnelReport
    /// How its counters grew.
    var growth: CounterGrowth
    /// The current instant.
    var now: MonotonicInstant
    /// The same moment on the wall clock.
    var wall: WallTime

    /// Everything that the rules judge.
    var facts: TunnelFacts {
        var facts = TunnelFacts(identity)
        facts.health = health
        facts.inside = probes(.inside)
        facts.outside = probes(.outside)
        facts.underlay = underlay
        facts.limits = limits
        facts.kernel = kernel
        facts.ike = ike
        facts.rekeys = rekeys
        facts.esp = esp
        facts.sizes = sizes
        facts.replies = replies
        facts.checks = checks
        return facts
    }

    private var identity: TunnelIdentity {
        let plan = report.plan
        return TunnelIdentity(
            name: plan.name, role: plan.configuration.role == .observer ? .observer : .endpoint,
            kind: TunnelIdentity.Kind(rawValue: plan.kind.rawValue) ?? .unknown,
            local: plan.local, remote: plan.remote, wanInterface: plan.wanInterface,
            tunnelInterface: plan.tunnelInterface,
            insideSource: plan.roles[ProbeRole(.inside, .request).index].route?.source
                ?? plan.configuration.insideSource,
            insideTarget: plan.roles[ProbeRole(.inside, .request).index].route?.destination,
            namespace: plan.configuration.netns, viciURI: viciURI, isStatic: isStatic)
    }

    /// Where the tunnel's strongSwan listens; nil for the place that swanctl looks at by itself.
    private var viciURI: String? {
        let path = report.plan.configuration.viciSocket
        guard let path, path != TunnelConfiguration.usualViciSocket else { return nil }
        return "unix://\(path)"
    }

    private var health: HealthFacts {
        var health = HealthFacts()
        if let state = HealthFacts.State(rawValue: report.state.rawValue) {
            health.state = .known(
                state,
                age: .nanoseconds(max(0, wall.nanoseconds - report.stateSince.nanoseconds)))
        }
        health.isFromInside = .known(report.stateSource == .inside)
        health.isFlapping = .known(report.isFlapping)
        health.changesLastHour = .known(report.changesLastHour)
        health.flapRatio = .known(report.flapRatio)
        return health
    }
}
