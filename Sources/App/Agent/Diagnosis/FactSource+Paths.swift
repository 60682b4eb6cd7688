import Diagnosis
import ESPAnalysis
import KernelState
import NetworkPrimitives
import PacketFormats
import PacketSizes
import PathMTU
import ReplyPath

extension FactSource {
    /// How large a packet fits.
    var sizes: PacketSizeFacts {
        var facts = PacketSizeFacts()
        let path = report.path
        facts.outside = size(path.outsideMTU, .outside)
        facts.inside = size(path.insideMTU, .inside)
        facts.deviceMTU = Fact(path.deviceMTU, age: .zero)
        facts.routeMTU = .known(path.routeMTU.value)
        let age = path.outsideMTU.endedAt.map { max(.zero, now - $0) } ?? .zero
        let mtu = path.tunnelMTU
        facts.fitting = Self.fact(
            mtu.fitting, age, mtu.overheadReason ?? path.outsideMTU.reason ?? "not measured yet")
        facts.overhead = Self.fact(mtu.overhead, age, mtu.overheadReason ?? "not measured yet")
        facts.recommendedMTU = Self.fact(
            mtu.recommendedMTU, age, mtu.recommendationReason ?? "not measured yet")
        facts.recommendedMSS = Self.fact(
            mtu.recommendedMSSIPv4, age, mtu.recommendationReason ?? "not measured yet")
        facts.largeSegments = largeSegments
        facts.outerFragments = outerFragments
        return facts
    }

    private static func fact<Value>(
        _ value: Value?, _ age: Duration, _ reason: String
    ) -> Fact<Value> {
        value.map { .known($0, age: age) } ?? .unknown(reason: reason)
    }

    private func size(
        _ report: PathMTUReport, _ path: ProbePath
    ) -> Fact<PacketSizeFacts.Path> {
        guard let bytes = report.bytes else {
            return .unknown(reason: report.reason ?? "not measured yet")
        }
        return .known(
            .init(
                bytes: bytes, isBlackHole: report.isBlackHole,
                place: PathMTUText.place(report, path)),
            age: report.endedAt.map { max(.zero, now - $0) } ?? .zero)
    }

    /// Forwarded SYNs that leave are seen behind this host's rules, so nothing on it lowers them any more;
    /// those that arrive may still be lowered, and this host's own have its routes' MTU.
    private var largeSegments: Fact<PacketSizeFacts.LargeSegments?> {
        let inside = report.capture.inside
        let counts = inside.sizes.outbound
        if counts.seen == 0, let reason = inside.deviceReason { return .unknown(reason: reason) }
        guard let example = counts.recentExample(at: inside.takenAt), example.isForwarded == true,
            let size = example.segment.maximumSegmentSize
        else { return .known(nil) }
        let family = example.source.family
        let part = counts[family]
        return .known(
            .init(
                family: family, overLimit: part.overPresentLimit, seen: part.seen,
                limit: part.limit,
                evidence: [
                    "\(part.overPresentLimit) of \(part.seen) \(family == .v4 ? "IPv4" : "IPv6") SYNs that "
                        + "left through the tunnel have an MSS over \(part.limit), "
                        + "\(part.forwardedOverLimit) of them forwarded; the largest is "
                        + "\(part.largest ?? Int(size))",
                    "the latest goes from \(example.source) port \(example.segment.sourcePort) to "
                        + "\(example.destination) port \(example.segment.destinationPort) with \(size)",
                ]))
    }

    private var outerFragments: Fact<[String]> {
        guard report.capture.isKnown else {
            return .unknown(reason: report.capture.reason ?? "ESP is not captured")
        }
        return .known(
            report.capture.streams.filter { $0.report.fragments > 0 }.prefix(4).map { stream in
                "\(stream.report.fragments) of \(stream.report.packets) packets "
                    + "\(stream.direction == .outbound ? "to" : "from") the provider are first fragments "
                    + "(SPI \(stream.report.id.spi))"
            })
    }

    /// Where Echo Replies die.
    var replies: ReplyPathFacts {
        var facts = ReplyPathFacts()
        facts.outside = ladder(report.path.outsideReplies, .outside)
        facts.inside = ladder(report.path.insideReplies, .inside)
        facts.filterRules = filterRules
        return facts
    }

    private func ladder(
        _ report: ReplyPathReport, _ path: ProbePath
    ) -> Fact<ReplyPathFacts.Ladder> {
        guard report.verdict != .inconclusive else {
            return .unknown(reason: report.reason ?? "not measured yet")
        }
        var ladder = ReplyPathFacts.Ladder(
            isBlocked: report.verdict == .blocked, confidence: report.confidence ?? 0.5)
        ladder.afterHop = report.blockedAfterHop
        ladder.afterAddress = report.blockedAfterAddress
        ladder.place = report.place.flatMap { ReplyPathFacts.Place(rawValue: $0.rawValue) }
        ladder.mayBeProviderEdge = report.mayBeProviderEdge
        ladder.dropsAllICMP = report.dropsAllICMP
        ladder.refusedBy = report.refusedBy
        ladder.firstRouter = report.hops.first { $0.distance == 1 }?.requestRouters.first
        ladder.sentence = report.sentence(on: path)
        return .known(ladder, age: report.endedAt.map { max(.zero, now - $0) } ?? .zero)
    }

    /// Rules of this host that drop or reject Echo Replies, or what connection tracking calls invalid.
    private var filterRules: Fact<[ReplyPathFacts.FilterRule]> {
        let reading: FirewallReading
        switch report.kernel.readings.firewall {
        case .unknown(let reason): return .unknown(reason: reason)
        case .known(let known): reading = known
        }
        let rules = reading.relevant.filter { rule in
            (rule.verdict == .drop || rule.verdict == .reject) && rule.packets != 0
                && (rule.topics.contains(.echoReply) || rule.topics.contains(.invalid)
                    || rule.topics.contains(.icmp) && !rule.namesICMPTypes)
        }
        return .known(
            rules.prefix(4).map { rule in
                let chain = reading.baseChains.first {
                    $0.family == rule.family && $0.table == rule.table && $0.name == rule.chain
                }
                return .init(
                    text: ObstacleSearch.words(rule, hook: chain?.hook),
                    remedy: exemption(before: rule))
            })
    }

    /// The command that has Echo Replies accepted before a rule drops them.
    private func exemption(before rule: FirewallReading.Rule) -> String {
        let isIPv6 =
            rule.family == "ip6" || rule.family != "ip" && report.plan.remote?.family == .v6
        let icmp = isIPv6 ? "icmpv6" : "icmp"
        let legacy = " (legacy)"
        if rule.table.hasSuffix(legacy) {
            return
                "\(isIPv6 ? "ip6tables" : "iptables")-legacy -t \(rule.table.dropLast(legacy.count)) "
                + "-I \(rule.chain) -p \(icmp) --\(icmp)-type echo-reply -j ACCEPT  # before that rule"
        }
        return "nft insert rule \(rule.family) \(rule.table) \(rule.chain)"
            + (rule.handle.map { " position \($0)" } ?? "")
            + " \(icmp) type echo-reply accept  # before that rule"
    }
}
