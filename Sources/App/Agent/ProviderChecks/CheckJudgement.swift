import Configuration
import KernelState
import NetworkPrimitives
import ProviderChecks

/// Joins what was seen of a tunnel's checks to what the kernel says of it.
struct CheckJudgement: Sendable {
    var plan: TunnelPlan
    var kernel: TunnelKernel
    var snapshot: KernelSnapshot
    /// The devices of all tunnels of the namespace.
    var tunnelDevices: Set<String>

    /// This host's addresses.
    var ownAddresses: Set<IPAddress> {
        Set((snapshot.addresses.value ?? []).map(\.address))
    }

    /// The report with the cause of what is missing, or why none is named.
    func report(
        _ checks: ProviderChecksReport, routes: AnswerRoutes?
    ) -> ProviderChecksReport {
        guard let missing = checks.missing else { return withdrawn(checks) }
        var checks = checks
        // Without a device of its own, packets come out of the tunnel on the underlay's.
        let arrivalDevice = plan.kind == .policy ? plan.wanInterface : plan.tunnelInterface
        guard let device = arrivalDevice else {
            checks.obstacleReason = "the device that checks arrive by is not known"
            return checks
        }
        guard let addresses = snapshot.addresses.value else {
            checks.obstacleReason =
                "this host's addresses are not known: \(snapshot.addresses.reason ?? "not read")"
            return checks
        }
        let index = snapshot.link(named: device)?.index
        let isForwarded =
            missing.style == .reply || !ownAddresses.contains(missing.source)
        let lookups = snapshot.policies.map { policies in
            ProbeCoverage.lookups(
                of: plan, device: kernel.device.value, in: snapshot, policies: policies,
                isReply: missing.style == .reply, from: missing.source, to: missing.destination,
                isForwarded: isForwarded)
        }
        let search = ObstacleSearch(
            missing: missing, kind: plan.kind, device: device, wanDevice: plan.wanInterface,
            tunnelDevices: tunnelDevices, ownAddresses: ownAddresses,
            deviceAddresses: Set(
                addresses.filter { $0.interfaceIndex == index }.map(\.address)),
            readings: kernel.readings, arrival: lookups.map(\.arrival),
            departure: lookups.map(\.departure),
            routes: routes ?? AnswerRoutes(unknown: "not looked up"))
        // No answer was seen and the addresses do not tell: the way it would go does.
        if checks.direction == nil, checks.answered?.count == 0,
            let way = search.answerDirection
        {
            checks.direction = way
            checks.isDirectionInferred = true
            checks.directionReason = nil
        }
        let conclusion = search.conclusion
        checks.obstacle = conclusion.obstacle
        checks.obstacleDetail = conclusion.detail
        checks.obstacleReason = conclusion.reason
        return checks
    }

    /// The report without answers that the tunnel's device was given and cannot have sent.
    ///
    /// A capture sees a packet before the device looks for a policy; where none covers it, it goes no
    /// further.
    private func withdrawn(_ checks: ProviderChecksReport) -> ProviderChecksReport {
        guard plan.kind == .xfrm || plan.kind == .vti, checks.direction == .bidirectional,
            checks.answeredBy.tunnel > 0, let style = checks.style,
            let source = checks.targets.first?.address,
            let destination = checks.senders.first(where: { $0.family == source.family }),
            let policies = snapshot.policies.value,
            let departure = ProbeCoverage.lookups(
                of: plan, device: kernel.device.value, in: snapshot, policies: policies,
                isReply: style == .reply, from: source, to: destination, isForwarded: true
            ).departure, !departure.decision.isProtected
        else { return checks }
        var checks = checks
        let detail = ObstacleSearch.words(departure)
        checks.answered = nil
        checks.answeredReason =
            "answers are handed to \(plan.tunnelInterface ?? "the device"), but no policy covers "
            + "them: \(detail)"
        checks.obstacle = .selectors
        checks.obstacleDetail = detail
        checks.obstacleReason = nil
        checks.predictedState = .down
        checks.predictedReason = "no answer is covered by the selectors"
        return checks
    }
}
