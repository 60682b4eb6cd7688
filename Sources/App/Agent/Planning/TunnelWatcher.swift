import Configuration
import KernelState
import NetworkPrimitives
import RawSockets
import Synchronization

/// Keeps the plans true while devices, routes, addresses and names come and go.
///
/// Runs on a thread of its own because netlink blocks. Every second it looks at the devices, and at
/// everything else when those changed or five seconds have passed.
final class TunnelWatcher: Sendable {
    /// What one round found.
    struct Round: Sendable {
        /// The plans of all tunnels.
        var plans: [TunnelPlan]
        /// Whether traffic arrives through each tunnel, by name; nil where the kernel cannot say.
        var inboundTraffic: [String: Bool?]
        /// What was seen of the agent's own namespace and those of the tunnels.
        var facts: [String?: NamespaceFacts]
        /// Answers that netlink lost.
        var netlinkOverruns: UInt64
        /// Namespaces whose sockets lead nowhere any more.
        var replacedNamespaces: [String]
        /// The SAs of the namespaces, read at once for a comparison with what was captured; nil in
        /// rounds without one.
        var associations: [String?: AssociationReading]?
    }

    private static let glance = Duration.seconds(1)
    private static let fullRound = Duration.seconds(5)
    /// Between two looks at the SAs' counters (algorithms §1).
    private static let comparison = Duration.seconds(10)
    /// Traffic that arrived within this time counts as flowing.
    private static let flowMemory = Duration.seconds(5)

    private struct Orders {
        var configuration: AgentConfiguration
        var isStopping = false
        var generation = 0
    }

    private let orders: Mutex<Orders>
    private let resolver: NameResolver
    private let poll: Mutex<EventPoll>
    private let waker: Waker

    /// Starts the thread; `handler` is called on it once a second.
    init(
        configuration: AgentConfiguration, resolver: NameResolver,
        handler: @escaping @Sendable (Round) -> Void
    ) throws(SocketError) {
        orders = Mutex(Orders(configuration: configuration))
        self.resolver = resolver
        poll = Mutex(try EventPoll())
        waker = poll.withLock { $0.waker }
        try PinnedThread.start(name: "tunnel-watcher") { [self] in
            poll.withLock { run($0, handler) }
        }
    }

    /// Follows another configuration from the next moment on.
    func adopt(_ configuration: AgentConfiguration) {
        orders.withLock {
            $0.configuration = configuration
            $0.generation += 1
        }
        waker.wake()
    }

    /// Ends the thread.
    func stop() {
        orders.withLock { $0.isStopping = true }
        waker.wake()
    }

    /// One round outside the thread, for a command that looks once.
    static func look(
        _ configuration: AgentConfiguration, resolver: NameResolver
    ) -> (plans: [TunnelPlan], facts: [String?: NamespaceFacts]) {
        let view = HostView(resolver: resolver)
        let plans = view.planner.plans(
            for: configuration, discovering: configuration.discover)
        return (plans, facts(view, plans))
    }

    private func run(_ poll: EventPoll, _ handler: @Sendable (Round) -> Void) {
        let view = HostView(resolver: resolver)
        var plans: [TunnelPlan] = []
        var flows = InboundFlows()
        var devices: [String?: [DeviceIdentity]] = [:]
        var nextFull = MonotonicClock.now()
        var nextComparison = MonotonicClock.now()
        var generation = -1
        var lost: [String: MonotonicInstant] = [:]
        while true {
            let orders = orders.withLock { ($0.configuration, $0.generation, $0.isStopping) }
            guard !orders.2 else { return }
            let now = MonotonicClock.now()
            let replaced = view.dropReplacedNamespaces()
            if !replaced.isEmpty { nextFull = now }
            let namespaces = Set(plans.map(\.configuration.netns)).union([nil])
            var seen: [String?: [DeviceIdentity]] = [:]
            for namespace in namespaces {
                let links = view.links(of: namespace) ?? []
                seen[namespace] = links.map(DeviceIdentity.init)
                flows.note(links, in: namespace, at: now)
            }
            // A change of plans before the first full round is impossible: `plans` is empty then.
            let hasPendingName = plans.contains { $0.remote == nil }
            if now >= nextFull || seen != devices || orders.1 != generation || hasPendingName {
                view.beginRound()
                if orders.1 != generation { lost = [:] }
                let next = view.planner.plans(
                    for: orders.0, discovering: orders.0.discover)
                let missing = Self.missing(plans, in: next, at: now, &lost)
                plans = Self.plans(next, and: missing.map(view.planner.replan))
                nextFull = now + Self.fullRound
                devices = seen
                generation = orders.1
            }
            let facts = Self.facts(view, plans)
            flows.forget(allTunnelsBut: plans)
            for plan in plans { flows.note(facts[plan.configuration.netns], of: plan, at: now) }
            var associations: [String?: AssociationReading]?
            if now >= nextComparison {
                associations = Dictionary(
                    uniqueKeysWithValues: facts.keys.map { ($0, view.associations(of: $0)) })
                nextComparison = now + Self.comparison
            }
            handler(
                Round(
                    plans: plans,
                    inboundTraffic: Dictionary(
                        plans.map { ($0.name, flows.isFlowing($0, at: now, Self.flowMemory)) },
                        uniquingKeysWith: { first, _ in first }),
                    facts: facts, netlinkOverruns: view.overruns,
                    replacedNamespaces: replaced, associations: associations))
            poll.wait(until: now + Self.glance) { _ in }
        }
    }

    /// The plans of one round, where policies that a lost device left behind are no tunnel of their own.
    private static func plans(_ next: [TunnelPlan], and missing: [TunnelPlan]) -> [TunnelPlan] {
        next.filter { plan in
            !plan.isDiscovered || plan.tunnelInterface != nil
                || !missing.contains {
                    $0.tunnelInterface != nil && $0.remote == plan.remote && $0.local == plan.local
                }
        } + missing
    }

    /// How long a discovered tunnel is watched after the kernel lost it.
    private static let afterlife = Duration.seconds(86_400)

    /// The discovered tunnels that were there and are not in `next`: dead, for all one can tell, and
    /// not to be forgotten the moment they matter most.
    static func missing(
        _ plans: [TunnelPlan], in next: [TunnelPlan], at now: MonotonicInstant,
        _ lost: inout [String: MonotonicInstant]
    ) -> [TunnelPlan] {
        let there = Set(next.map(\.name))
        let devices = Set(next.compactMap(\.tunnelInterface))
        let missing = plans.filter { plan in
            plan.isDiscovered && !there.contains(plan.name)
                && !(plan.tunnelInterface.map(devices.contains) ?? false)
                && !next.contains { !$0.isDiscovered && $0.remote == plan.remote }
                && now - (lost[plan.name] ?? now) < afterlife
        }
        lost = Dictionary(
            missing.map { ($0.name, lost[$0.name] ?? now) }, uniquingKeysWith: { first, _ in first }
        )
        return missing
    }

    private static func facts(
        _ view: HostView, _ plans: [TunnelPlan]
    ) -> [String?: NamespaceFacts] {
        let namespaces = Set(plans.map(\.configuration.netns)).union([nil])
        return Dictionary(uniqueKeysWithValues: namespaces.map { ($0, view.facts(of: $0)) })
    }
}

/// What about a device, when it changes, calls for new plans.
private struct DeviceIdentity: Equatable {
    var index: Int
    var name: String
    var isUp: Bool
    var remote: IPAddress?

    init(_ link: LinkState) {
        index = link.index
        name = link.name
        isUp = link.isUp
        remote = link.remote
    }
}
