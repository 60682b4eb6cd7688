import Configuration
import KernelState
import NetworkPrimitives

/// What the kernel knows of one tunnel.
struct TunnelKernel: Sendable {
    /// Why nothing is known; nil when something is.
    var reason: String? = "the kernel was not asked yet"
    /// Whether packets get into the tunnel by routing to a device, and not by policies alone.
    var isRouteBased: Reading<Bool> = .unknown(reason: NamespaceReadings.notYet)
    /// The tunnel's device.
    var device: Reading<LinkState> = .unknown(reason: NamespaceReadings.notYet)
    /// Whether its device should be there and is not; the namespace's devices are known then.
    var isDeviceMissing = false
    /// The device that its outer packets leave by.
    var wanDevice: Reading<LinkState> = .unknown(reason: NamespaceReadings.notYet)
    /// Why this process may not read SAs; nil where it may, and before it was tried.
    var refusal: String?
    /// Its SAs, newest first.
    var associations: Reading<[DirectedAssociation]> = .unknown(
        reason: NamespaceReadings.notYet)
    /// Its policies, in the kernel's order.
    var policies: Reading<[SecurityPolicy]> = .unknown(reason: NamespaceReadings.notYet)
    /// Whether the packets of health checks are covered by the selectors.
    var coverage: Reading<[ProbeCoverage]> = .unknown(reason: NamespaceReadings.notYet)
    /// Whether the health checks' configured target is reached from the tunnel; nil without one.
    var target: TargetReach?
    /// The router that packets to the endpoint go to first; nil where no route is known.
    var nextHop: NamespaceReadings.NextHop?
    /// What else is known of its namespace.
    var readings = NamespaceReadings()
    /// The devices whose sysctls concern it: the tunnel's and the one below.
    var settingDevices: [String] = []
    /// Its SAs as events and tables tell, and what they came to over all rekeys; nil before the first
    /// look.
    var reading: KernelReading?

    /// Nothing is known yet.
    init() {}

    /// Joins what the kernel knows to a tunnel.
    ///
    /// - Parameters:
    ///   - plan: the tunnel, configured or discovered.
    ///   - snapshot: links, SAs and policies of its namespace.
    ///   - readings: everything else of its namespace.
    init(of plan: TunnelPlan, in snapshot: KernelSnapshot, _ readings: NamespaceReadings) {
        self.readings = readings
        reason = nil
        settingDevices = [plan.tunnelInterface, plan.wanInterface].compactMap { $0 }
        device = Self.device(of: plan, in: snapshot)
        isDeviceMissing =
            plan.tunnelInterface != nil && snapshot.links.value != nil && device.value == nil
        wanDevice = Self.wanDevice(of: plan, in: snapshot)
        refusal = snapshot.associations.reason
        isRouteBased = Self.isRouteBased(plan, device)
        target = plan.configuration.expect.target.map {
            TargetReach(of: $0, plan, device.value, in: snapshot)
        }
        nextHop = plan.remote.flatMap { readings.nextHops[$0] }
        guard let remote = plan.remote else {
            let reason = plan.unknown["remote"] ?? "the endpoint's name has no address yet"
            associations = .unknown(reason: reason)
            policies = .unknown(reason: reason)
            coverage = .unknown(reason: reason)
            return
        }
        associations = snapshot.associations.map { _ in
            TunnelDiscovery.associations(
                device: plan.tunnelInterface, local: plan.local, remote: remote, in: snapshot)
        }
        policies = snapshot.policies.map { _ in
            TunnelDiscovery.policies(
                device: plan.tunnelInterface, local: plan.local, remote: remote, in: snapshot)
        }
        if plan.configuration.role == .observer, associations.value?.isEmpty ?? true,
            policies.value?.isEmpty ?? true
        {
            reason = "an appliance ends this tunnel: this host's kernel has no part in it"
            return
        }
        coverage = snapshot.policies.map { policies in
            ProbeCoverage.rows(of: plan, device: device.value, in: snapshot, policies: policies)
        }
    }

    /// Takes over what the kernel's events and tables tell, whose SAs are fresher than the snapshot's.
    mutating func adopt(_ reading: KernelReading?) {
        self.reading = reading
        guard reason == nil, let reading, reading.associations.value != nil else { return }
        associations = reading.associations
    }

    /// The newest SA of a direction, which packets use.
    func newest(_ direction: TrafficDirection) -> SecurityAssociation? {
        associations.value?.first { $0.direction == direction }?.association
    }

    private static func device(
        of plan: TunnelPlan, in snapshot: KernelSnapshot
    ) -> Reading<LinkState> {
        guard let name = plan.tunnelInterface else {
            return .unknown(reason: plan.unknown["tunnel_interface"] ?? "it has no device")
        }
        if let link = snapshot.link(named: name) { return .known(link) }
        return .unknown(reason: snapshot.links.reason ?? "there is no device \(name)")
    }

    private static func wanDevice(
        of plan: TunnelPlan, in snapshot: KernelSnapshot
    ) -> Reading<LinkState> {
        guard let name = plan.wanInterface else {
            return .unknown(
                reason: plan.unknown["wan_interface"] ?? "no route leads to the endpoint")
        }
        if let link = snapshot.link(named: name) { return .known(link) }
        return .unknown(reason: snapshot.links.reason ?? "there is no device \(name)")
    }

    private static func isRouteBased(
        _ plan: TunnelPlan, _ device: Reading<LinkState>
    ) -> Reading<Bool> {
        switch plan.kind {
        case .vti, .xfrm, .gre: return .known(true)
        case .policy: return .known(false)
        case .unknown:
            if plan.configuration.role == .observer {
                return .unknown(reason: "an appliance ends this tunnel")
            }
            if let link = device.value {
                return .unknown(reason: "\(link.name) is no vti, xfrm or gre device")
            }
            return .unknown(
                reason: plan.tunnelInterface == nil
                    ? "the kernel has no device, SA or policy of this tunnel"
                    : device.reason ?? "not known")
        }
    }
}
