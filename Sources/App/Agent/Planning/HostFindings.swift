import Configuration
import Diagnosis
import HostFacts
import KernelState

/// Raises `agent-degraded`: what this agent cannot see on this host, and the fix.
enum HostFindings {
    /// Findings about the host.
    ///
    /// - Parameters:
    ///   - facts: what was seen of each namespace.
    ///   - plans: the tunnels; a host that ends none needs no SAs.
    ///   - notices: what else is missing, in words.
    /// - Returns: one finding that holds it all; none when nothing is missing.
    static func findings(
        facts: [String?: NamespaceFacts], plans: [TunnelPlan], notices: [String]
    ) -> [Finding] {
        var evidence = notices
        var remedy: [String] = []
        let endsTunnel = plans.contains { $0.configuration.role == .endpoint }
        for (namespace, facts) in facts.sorted(by: { ($0.key ?? "") < ($1.key ?? "") }) {
            let place = namespace.map { "in namespace \($0): " } ?? ""
            if let refusal = facts.refusal {
                evidence.append("\(place)no probe can be sent: \(refusal)")
                remedy.append(contentsOf: privilegeRemedy(namespace: namespace))
            } else if endsTunnel || plans.isEmpty, let reason = facts.snapshot.associations.reason {
                evidence.append("\(place)security associations are not read: \(reason)")
            }
        }
        guard !evidence.isEmpty else { return [] }
        return [
            Finding(
                id: .agentDegraded, severity: .info, confidence: 1,
                summary: "Something is not measured on this host.", evidence: evidence,
                remedy: remedy)
        ]
    }

    private static func privilegeRemedy(namespace: String?) -> [String] {
        if let namespace {
            return [
                "run the agent inside the namespace: systemctl enable --now "
                    + "tunnel-probe@\(namespace)"
            ]
        }
        do throws(FileError) {
            return MissingPrivilege(
                of: [.netRaw, .netAdmin], in: try Capabilities.current(), command: "probe now"
            )?.remedies ?? []
        } catch {
            return []
        }
    }
}
