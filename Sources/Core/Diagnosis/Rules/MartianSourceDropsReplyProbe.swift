import NetworkPrimitives

/// `martian-source-drops-reply-probe`: the kernel drops reply-style checks for their source.
enum MartianSourceDropsReplyProbe: Rule {
    static let entry = CatalogueEntry(
        .martianSourceDropsReplyProbe,
        meaning: """
            A reply-style check arrives with a source address of this host itself, for it is to be sent on as it \
            is. Linux drops such packets as martians unless accept_local is 1, and sends nothing on unless it \
            forwards. On a host with the usual settings that is so, and matters only where the provider checks in \
            reply style.
            """,
        evidence: [
            "accept_local, rp_filter and forwarding of the device that checks arrive by",
            "checks that arrive and are not sent on",
        ],
        remedy: [
            "set the health check type to Request, or",
            "set accept_local = 1, rp_filter = 2 and forwarding = 1 for the device",
        ],
        notToConfuse: ["IPv6 knows no martian sources"])

    private static let obstacles: Set<String> = ["martian_source", "rp_filter", "no_forwarding"]

    static func judge(_ facts: TunnelFacts) -> Judgement {
        if let reason = facts.observerReason { return .notApplicable(because: reason) }
        if let obstacle = facts.checks.obstacle.value ?? nil, obstacles.contains(obstacle) {
            return .found(
                finding(
                    facts, .critical, 0.97,
                    "The kernel drops the provider's health checks before they can be answered.",
                    [facts.checks.obstacleDetail ?? obstacle]
                        + (facts.checks.answered.value.map {
                            [
                                "\($0.received) of \($0.sent) checks were answered in the last five minutes"
                            ]
                        } ?? [])))
        }
        if facts.checks.style.value == .reply, let answered = facts.checks.answered.value,
            answered.sent >= 3, answered.received * 2 > answered.sent
        {
            return .excluded(because: [
                "reply-style checks arrive, and \(answered.received) of \(answered.sent) were sent back"
            ])
        }
        guard let settings = facts.checks.martianSettings.value else {
            return .unknown(missing: [facts.checks.martianSettings.reason ?? "not known"])
        }
        guard !settings.isEmpty else {
            return .excluded(because: ["accept_local and forwarding let reply-style checks pass"])
        }
        switch facts.checks.countingStyle {
        case .request?: return .excluded(because: ["the provider checks with Echo Requests"])
        case .reply?:
            return .found(
                finding(
                    facts, .critical, 0.95,
                    "Reply-style health checks, which this tunnel has, are dropped by this kernel.",
                    settings + ["the health checks are of reply style"]))
        case nil:
            return .found(
                finding(
                    facts, .info, 0.9,
                    "Reply-style health checks would be dropped by this kernel.",
                    settings + ["which style the provider uses is not known yet"]))
        }
    }

    private static func finding(
        _ facts: TunnelFacts, _ severity: Finding.Severity, _ confidence: Double, _ summary: String,
        _ evidence: [String]
    ) -> Finding {
        let device =
            (facts.identity.kind == .policy
                ? facts.identity.wanInterface : facts.identity.tunnelInterface) ?? "DEVICE"
        // sysctl(8) takes slashes where a device's name has dots.
        let separator = device.contains(".") ? "/" : "."
        func key(_ family: String, _ device: String, _ name: String) -> String {
            ["net", family, "conf", device, name].joined(separator: separator)
        }
        let settings =
            facts.identity.insideSource?.family == .v6
            ? ["\(key("ipv6", "all", "forwarding"))=1"]
            : ["accept_local=1", "rp_filter=2", "forwarding=1"].map { key("ipv4", device, $0) }
        let sysctl =
            "\(facts.identity.commandPrefix)sysctl -w \(settings.joined(separator: " "))"
            + "  # and in /etc/sysctl.d, to stay"
        return Finding(
            id: .martianSourceDropsReplyProbe, severity: severity, confidence: confidence,
            summary: summary, evidence: evidence,
            remedy: facts.checks.countingStyle == .request
                ? [sysctl]
                : [
                    "at the provider: set the health check type of this tunnel to Request, or",
                    sysctl,
                ])
    }
}
