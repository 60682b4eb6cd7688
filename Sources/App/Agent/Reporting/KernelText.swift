import KernelState
import NetworkPrimitives

/// What the kernel knows of a tunnel, for people: one line, and more of them for a closer look.
struct KernelText {
    var kernel: TunnelKernel

    /// The line of the usual report.
    var summary: String {
        if let reason = kernel.reason { return reason }
        guard let associations = kernel.associations.value else {
            return "SAs are not known: \(kernel.associations.reason ?? "not known")"
        }
        guard !associations.isEmpty else { return "no SA of this tunnel" }
        var parts = [
            TrafficDirection.allCases.map { direction in
                let count = associations.filter { $0.direction == direction }.count
                return "\(count) \(direction == .inbound ? "in" : "out")"
            }.joined(separator: " and ")
        ]
        parts[0] = "SAs: \(parts[0])"
        if let cipher = (kernel.newest(.inbound) ?? kernel.newest(.outbound))?.cipher {
            parts.append("\(cipher.name) \(cipher.keyBits)")
        }
        if let inbound = kernel.newest(.inbound) {
            parts.append(
                inbound.replayWindow == 0 ? "anti-replay off" : "window \(inbound.replayWindow)")
            if inbound.extendedSequenceNumbers { parts.append("ESN") }
        }
        if let rekeys = kernel.reading?.totals.rekeys, rekeys > 0 {
            parts.append(FigureText.count(rekeys, "rekey"))
        }
        let drops = associations.reduce(
            (window: UInt64(0), replay: UInt64(0), integrity: UInt64(0))
        ) {
            let statistics = $1.association.statistics
            return (
                $0.window + UInt64(statistics.replayWindow), $0.replay + UInt64(statistics.replay),
                $0.integrity + UInt64(statistics.integrityFailed)
            )
        }
        if drops.window > 0 { parts.append("\(drops.window) dropped by the window") }
        if drops.replay > 0 { parts.append("\(drops.replay) dropped as replays") }
        if drops.integrity > 0 { parts.append("\(drops.integrity) failed the integrity check") }
        let uncovered = (kernel.coverage.value ?? []).filter { $0.isCovered == false }
        if !uncovered.isEmpty {
            let names = uncovered.map(\.probe.words).joined(separator: ", ")
            parts.append("selectors do not cover \(names)")
        }
        return parts.joined(separator: ", ")
    }

    /// The lines of a closer look, without indentation.
    var details: [String] {
        guard kernel.reason == nil else { return [] }
        var lines: [String] = []
        if let link = kernel.device.value { lines.append(device(link)) }
        for directed in kernel.associations.value ?? [] { lines.append(association(directed)) }
        for policy in kernel.policies.value ?? [] { lines.append(self.policy(policy)) }
        for row in kernel.coverage.value ?? [] { lines.append(coverage(row)) }
        let readings = kernel.readings
        let errors = (readings.transformErrors.value?.counters ?? []).filter { $0.value > 0 }
        if let reason = readings.transformErrors.reason {
            lines.append("XFRM errors are not known: \(reason)")
        } else {
            lines.append(
                errors.isEmpty
                    ? "no XFRM errors in this namespace"
                    : "XFRM errors: "
                        + errors.map { "\($0.name) \($0.value)" }.joined(separator: ", "))
        }
        if let hop = kernel.nextHop {
            let state = (hop.neighbor.value ?? nil)?.reachability.rawValue ?? "not looked for"
            lines.append("next hop \(hop.address) on \(hop.device ?? "?"), \(state)")
        }
        lines += settings
        lines.append(firewall)
        return lines
    }

    private func device(_ link: LinkState) -> String {
        var parts = ["device \(link.name) \(link.kind.name)", link.isUp ? "up" : "DOWN"]
        if let mtu = link.mtu { parts.append("MTU \(mtu)") }
        if let identifier = link.interfaceID { parts.append("if_id \(identifier)") }
        if let key = link.inKey { parts.append("in key \(key)") }
        if let key = link.outKey { parts.append("out key \(key)") }
        return parts.joined(separator: ", ")
    }

    private func association(_ directed: DirectedAssociation) -> String {
        let sa = directed.association
        var parts = [
            "SA \(directed.direction == .inbound ? "in " : "out") \(sa.spi)",
            [sa.cipher, sa.integrity].compactMap { $0 }.map { "\($0.name) \($0.keyBits)" }
                .joined(separator: " + "),
            FigureText.count(sa.packets, "packet"), FigureText.octets(sa.bytes),
            "window \(sa.replayWindow)\(sa.extendedSequenceNumbers ? " ESN" : "")",
        ]
        if case .udp(let source, let destination) = sa.encapsulation {
            parts.append("UDP \(source) to \(destination)")
        }
        let drops = sa.statistics
        if drops != .init() {
            parts.append(
                "dropped \(drops.replayWindow) window, \(drops.replay) replay, "
                    + "\(drops.integrityFailed) integrity")
        }
        if let added = sa.addedAt { parts.append("since \(added.description.prefix(19))Z") }
        if let end = sa.hardExpiresAt { parts.append("until \(end.description.prefix(19))Z") }
        return parts.filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private func policy(_ policy: SecurityPolicy) -> String {
        var parts = [
            "policy \(policy.direction.name) \(policy.source) to \(policy.destination)",
            "priority \(policy.priority)",
        ]
        if policy.markMask != 0 { parts.append("mark \(policy.mark)") }
        if let identifier = policy.interfaceID { parts.append("if_id \(identifier)") }
        if !policy.allows { parts.append("BLOCKS") }
        return parts.joined(separator: ", ")
    }

    private func coverage(_ row: ProbeCoverage) -> String {
        guard let isCovered = row.isCovered else {
            return "selectors and \(row.probe.words): not known"
        }
        let failed = row.lookups.filter { !$0.decision.isProtected }.map {
            "\($0.question.direction.name) \($0.question.source) to \($0.question.destination) "
                + $0.decision.name
        }
        return "selectors \(isCovered ? "cover" : "do not cover") \(row.probe.words)"
            + (failed.isEmpty ? "" : ": " + failed.joined(separator: ", "))
    }

    /// The sysctls of the devices, where they differ from a plain host's 0.
    private var settings: [String] {
        let devices = (["all"] + kernel.settingDevices).compactMap { device in
            kernel.readings.deviceSettings[device].map { (device, $0) }
        }
        return devices.map { device, settings in
            "sysctls of \(device): "
                + SystemSetting.perDevice.map { name in
                    "\(name) \(settings.v4[name]?.value.map(String.init) ?? "?")"
                }.joined(separator: ", ")
        }
    }

    private var firewall: String {
        switch kernel.readings.firewall {
        case .unknown(let reason): return "nftables are not known: \(reason)"
        case .known(let reading):
            guard reading.tables > 0 else { return "nftables: no tables" }
            let dropping = reading.baseChains.filter { $0.policy == "drop" }.map(\.name)
            return "nftables: \(FigureText.count(reading.tables, "table")), "
                + "\(FigureText.count(reading.rules, "rule")), "
                + "\(reading.relevant.count) of them about ICMP, ESP, IKE or invalid packets"
                + (dropping.isEmpty
                    ? "" : "; dropping by default: \(dropping.joined(separator: ", "))")
        }
    }
}

extension ProbeCoverage.Probe {
    /// The check for people.
    var words: String {
        switch self {
        case .request: "Echo Requests between the inside addresses"
        case .replySelfAddressed: "self-addressed Echo Replies"
        case .replyFromEndpoint: "Echo Replies of unidirectional checks"
        case .gre: "the device's GRE packets"
        }
    }
}
