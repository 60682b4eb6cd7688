import Configuration
import KernelState
import NetworkPrimitives
import PathMTU
import ReplyPath

extension TunnelPath {
    /// Joins what was found of a tunnel's paths with what the kernel knows of it.
    ///
    /// - Parameters:
    ///   - plan: the tunnel.
    ///   - findings: what was found of each path; nil where nothing was.
    ///   - kernel: its device and SAs.
    ///   - snapshot: the routes of its namespace; nil while they were not read.
    ///   - now: the current instant.
    ///   - wall: the same moment on the wall clock.
    init(
        of plan: TunnelPlan, _ findings: (ProbePath) -> PathSchedule.Findings?,
        kernel: TunnelKernel, snapshot: KernelSnapshot?, at now: MonotonicInstant, wall: WallTime
    ) {
        self.init()
        takenAt = now
        self.wall = wall
        let (inside, outside) = (findings(.inside), findings(.outside))
        insideMTU = inside?.mtu ?? PathMTUReport(unknown: Self.reason(plan, .inside, .request))
        outsideMTU = outside?.mtu ?? PathMTUReport(unknown: Self.reason(plan, .outside, .request))
        insideReplies =
            inside?.replies
            ?? ReplyPathReport(inconclusive: Self.reason(plan, .inside, .reply))
        outsideReplies =
            outside?.replies
            ?? ReplyPathReport(inconclusive: Self.reason(plan, .outside, .reply))
        insideCaptureReason = inside?.captureReason
        outsideCaptureReason = outside?.captureReason
        deviceMTU =
            switch kernel.device {
            case .known(let link):
                link.mtu.map { .known($0) } ?? .unknown(reason: "the kernel does not tell it")
            case .unknown(let reason): .unknown(reason: reason)
            }
        routeMTU = Self.routeMTU(plan, kernel.device, snapshot)
        tunnelMTU = TunnelMTU(
            outside: outside?.mtu, inside: inside?.mtu, deviceMTU: deviceMTU.value,
            routeMTU: routeMTU.value, overhead: TunnelOverhead(of: plan, kernel))
    }

    /// Why nothing was found of a path.
    private static func reason(
        _ plan: TunnelPlan, _ path: ProbePath, _ style: ProbeStyle
    ) -> String {
        let role = plan.roles[ProbeRole(path, style).index]
        if let reason = role.reason { return reason }
        return role.route?.destination == nil ? "the endpoint's name has no address yet" : notYet
    }

    /// The least MTU that a route over the tunnel's device says for the far side.
    private static func routeMTU(
        _ plan: TunnelPlan, _ device: Reading<LinkState>, _ snapshot: KernelSnapshot?
    ) -> Reading<Int> {
        guard let link = device.value else {
            return .unknown(reason: device.reason ?? "it has no device")
        }
        guard let routes = snapshot?.routes.value else {
            return .unknown(reason: snapshot?.routes.reason ?? notYet)
        }
        let targets = [plan.configuration.insideTarget, plan.configuration.insideBeyond]
            .compactMap { $0 }
        let mtus = routes.compactMap { route -> Int? in
            guard route.outputInterface == link.index, route.kind == .unicast,
                targets.contains(where: route.destination.contains)
            else { return nil }
            return route.mtu
        }
        return mtus.min().map { .known($0) }
            ?? .unknown(reason: "no route into the tunnel has an MTU of its own")
    }
}
