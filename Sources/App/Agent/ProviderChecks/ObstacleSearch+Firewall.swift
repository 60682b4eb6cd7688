import KernelState
import ProviderChecks

extension ObstacleSearch {
    /// The hooks that the check and its answer come through.
    private var hooks: Set<String> {
        isForwarded
            ? ["ingress", "prerouting", "forward", "postrouting"]
            : ["ingress", "prerouting", "input", "output", "postrouting"]
    }

    /// What a rule must be about to drop the check or its answer.
    ///
    /// An unsolicited Echo Reply belongs to no connection: tracking calls it invalid. A request does
    /// belong to one, and so does its answer.
    private func concerns(_ rule: FirewallReading.Rule) -> Bool {
        switch missing.style {
        case .reply: rule.topics.contains(.invalid) || concernsEcho(rule, .echoReply)
        case .request:
            !rule.topics.contains(.invalid)
                && (concernsEcho(rule, .echoRequest) || concernsEcho(rule, .echoReply))
        }
    }

    private func concernsEcho(
        _ rule: FirewallReading.Rule, _ topic: FirewallReading.Topic
    ) -> Bool {
        rule.topics.contains(topic) || rule.topics.contains(.icmp) && !rule.namesICMPTypes
    }

    var packetFilter: Finding {
        let reading: FirewallReading
        switch readings.firewall {
        case .unknown(let reason): return .possible("a rule of the packet filter: \(reason)")
        case .known(let known): reading = known
        }
        var possible: [String] = []
        for (index, rule) in reading.relevant.enumerated() {
            guard rule.verdict == .drop || rule.verdict == .reject, isOfFamily(rule.family),
                concerns(rule), rule.packets != 0,
                rule.inputDevice.map({ matches($0) }) ?? true
            else { continue }
            let chain = reading.baseChains.first {
                $0.family == rule.family && $0.table == rule.table && $0.name == rule.chain
            }
            if let chain, !hooks.contains(chain.hook) { continue }
            let text = Self.words(rule, hook: chain?.hook)
            // Without a counter a rule is sure to be met only in a chain of its own hook, and where
            // nothing before it accepts.
            let isMet =
                rule.packets != nil || chain != nil && !hasAcceptance(before: index, reading)
            if isMet, !rule.isNarrowed || rule.packets != nil && rule.inputDevice != nil {
                return .proven(.firewall, text)
            }
            possible.append(text)
        }
        for chain in reading.baseChains
        where chain.policy == "drop" && isOfFamily(chain.family) && hooks.contains(chain.hook) {
            possible.append(
                "\(chain.family) \(chain.table) \(chain.name) drops what no rule accepts")
        }
        if reading.untranslated > 0 {
            possible.append("\(reading.untranslated) rules of iptables that nft does not show")
        }
        if reading.isCut { possible.append("there are more rules than were read") }
        return possible.isEmpty ? .clear : .possible(possible.joined(separator: ", or "))
    }

    /// Whether an earlier rule of the chain may accept the packet first.
    private func hasAcceptance(before index: Int, _ reading: FirewallReading) -> Bool {
        let rule = reading.relevant[index]
        return reading.relevant[..<index].contains {
            $0.family == rule.family && $0.table == rule.table && $0.chain == rule.chain
                && $0.verdict == .accept && concerns($0) && $0.packets != 0
        }
    }

    private func isOfFamily(_ family: String) -> Bool {
        ["inet", "netdev", "bridge", isV6 ? "ip6" : "ip"].contains(family)
    }

    /// Whether a device's name in a rule, which may end in an asterisk, is the tunnel's.
    private func matches(_ name: String) -> Bool {
        name.last == "*" ? device.hasPrefix(name.dropLast()) : name == device
    }

    static func words(_ rule: FirewallReading.Rule, hook: String?) -> String {
        var text = "\(rule.family) \(rule.table) \(rule.chain)"
        if let hook { text += " (hook \(hook))" }
        if let handle = rule.handle { text += ", handle \(handle)" }
        text += rule.topics.contains(.invalid) ? ": ct state invalid" : ": ICMP"
        text += " \(rule.verdict.rawValue)"
        if let packets = rule.packets { text += ", \(packets) packets" }
        return text
    }
}
