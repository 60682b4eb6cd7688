import Configuration
import Diagnosis
import KernelState
import NetworkPrimitives
import ProviderChecks

extension FactSource {
    /// The provider's health checks.
    var checks: HealthCheckFacts {
        var facts = HealthCheckFacts()
        let expect = report.plan.configuration.expect
        facts.expectedStyle = HealthCheckFacts.Style(rawValue: expect.style.rawValue)
        facts.expectedDirection = HealthCheckFacts.Direction(rawValue: expect.direction.rawValue)
        facts.expectedTarget = expect.target
        let seen = report.checks
        if let style = seen.style.flatMap({ HealthCheckFacts.Style(rawValue: $0.rawValue) }) {
            facts.style = .known(style)
        } else {
            facts.style = .unknown(
                reason: seen.styleReason ?? seen.reason ?? "no check arrived yet")
        }
        if let direction = seen.direction.flatMap({
            HealthCheckFacts.Direction(rawValue: $0.rawValue)
        }) {
            facts.direction = .known(direction)
        } else {
            facts.direction = .unknown(
                reason: seen.directionReason ?? seen.reason ?? "no check arrived yet")
        }
        facts.targets = .known(seen.targets.map(\.address))
        if let answered = seen.answered {
            facts.answered = .known(
                .init(
                    sent: UInt64(max(0, answered.total)), received: UInt64(max(0, answered.count)),
                    span: .seconds(300)))
        } else {
            facts.answered = .unknown(
                reason: seen.answeredReason ?? seen.reason ?? "no check arrived yet")
        }
        if let obstacle = seen.obstacle {
            facts.obstacle = .known(obstacle.rawValue)
            facts.obstacleDetail = seen.obstacleDetail
        } else if seen.missing == nil, seen.answered != nil {
            facts.obstacle = .known(nil)
        } else {
            facts.obstacle = .unknown(
                reason: seen.obstacleReason ?? seen.reason ?? "no check arrived yet")
        }
        facts.martianSettings = martianSettings
        (facts.areRepliesCovered, facts.uncovered) = coverage(
            facts.countingDirection ?? .bidirectional)
        if let target = report.kernel.target {
            facts.isTargetReachable = Fact(target.isReached, age: .zero)
            facts.targetDetail = target.detail
        } else {
            facts.isTargetReachable = .unknown(reason: "no target is configured")
        }
        return facts
    }

    /// Settings of this host that a reply-style check, which arrives with a source of this side, fails for.
    private var martianSettings: Fact<[String]> {
        let plan = report.plan
        guard plan.configuration.role == .endpoint else {
            return .unknown(reason: "an appliance ends the tunnel")
        }
        guard let device = plan.kind == .policy ? plan.wanInterface : plan.tunnelInterface else {
            return .unknown(reason: "the device that checks arrive by is not known")
        }
        // IPv6 knows no martian sources.
        guard plan.configuration.insideSource?.family != .v6 else { return .known([]) }
        let settings = report.kernel.readings.deviceSettings
        func setting(_ device: String, _ name: String) -> Reading<Int> {
            settings[device]?.v4[name] ?? .unknown(reason: NamespaceReadings.notYet)
        }
        var lines: [String] = []
        // The checks' source is the configured target, which this host may route and not have.
        let isRouted = report.kernel.target?.isLocal == false
        switch (setting("all", "accept_local"), setting(device, "accept_local")) {
        case _ where isRouted: break
        case (.known(0), .known(0)):
            lines.append(
                "net.ipv4.conf.\(device).accept_local = 0: the kernel drops packets whose source is its own"
            )
        case (.known, .known): break
        case (.unknown(let reason), _), (_, .unknown(let reason)):
            return .unknown(reason: "accept_local: \(reason)")
        }
        // The larger of both is in force; 1 is strict (ip-sysctl of the kernel, `rp_filter`).
        switch (setting("all", "rp_filter"), setting(device, "rp_filter")) {
        case (.known(let all), .known(let own)) where max(all, own) == 1:
            lines.append(
                "rp_filter of \(device) is strict: the kernel drops packets whose source is not behind that device"
            )
        case (.known, .known): break
        case (.unknown(let reason), _), (_, .unknown(let reason)):
            return .unknown(reason: "rp_filter: \(reason)")
        }
        switch setting(device, "forwarding") {
        case .known(0):
            lines.append("net.ipv4.conf.\(device).forwarding = 0: this host forwards nothing")
        case .known: break
        case .unknown(let reason): return .unknown(reason: "forwarding: \(reason)")
        }
        return .known(lines)
    }

    /// Whether policies cover reply-style checks, and which packets they do not.
    private func coverage(
        _ direction: HealthCheckFacts.Direction
    ) -> (Fact<Bool>, [String]) {
        if let reason = report.kernel.coverage.reason { return (.unknown(reason: reason), []) }
        let probe: ProbeCoverage.Probe =
            direction == .unidirectional ? .replyFromEndpoint : .replySelfAddressed
        guard let row = report.kernel.coverage.value?.first(where: { $0.probe == probe }),
            let isCovered = row.isCovered
        else { return (.unknown(reason: "the inside addresses are not known"), []) }
        return (
            .known(isCovered),
            row.lookups.filter { !$0.decision.isProtected }.map { ObstacleSearch.words($0) }
        )
    }
}
