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
    ///   - process: what this process may do, and which namespaces there are.
    /// - Returns: one finding that holds it all; none when nothing is missing.
    static func findings(
        facts: [String?: NamespaceFacts], plans: [TunnelPlan], notices: [String],
        process: Privileges = .current
    ) -> [Finding] {
        var evidence = notices
        var remedies: [String] = []
        let endsTunnel = plans.contains { $0.configuration.role == .endpoint }
        for (namespace, facts) in facts.sorted(by: { ($0.key ?? "") < ($1.key ?? "") }) {
            let place = namespace.map { "in namespace \($0): " } ?? ""
            if let refusal = facts.refusal {
                evidence.append("\(place)no probe can be sent: \(refusal)")
                remedies += process.remediesToSend(in: namespace)
            } else if endsTunnel || plans.isEmpty, let reason = facts.snapshot.associations.reason {
                evidence.append("\(place)security associations are not read: \(reason)")
                remedies += process.remedies(for: [.netAdmin])
            }
        }
        guard !evidence.isEmpty else { return [] }
        var seen: Set<String> = []
        return [
            Finding(
                id: .agentDegraded, severity: .info, confidence: 1,
                summary: "Something is not measured on this host.", evidence: evidence,
                // Two namespaces may well want the same.
                remedy: remedies.filter { seen.insert($0).inserted })
        ]
    }
}

extension HostFindings {
    /// What decides which remedy fits.
    struct Privileges {
        /// The capabilities of this process; nil where /proc does not say.
        var capabilities: Capabilities?
        /// Whether it runs as root.
        var isRoot: Bool
        /// Whether there is a network namespace of a name.
        var namespaceExists: (String) -> Bool

        /// Those of the calling thread.
        static var current: Privileges {
            var capabilities: Capabilities?
            do throws(FileError) {
                capabilities = try .current()
            } catch {
                // Without /proc the evidence stands alone.
                capabilities = nil
            }
            return Privileges(
                capabilities: capabilities, isRoot: Host.isRoot,
                namespaceExists: { SmallFile.exists("/run/netns/\($0)") })
        }

        /// What lets this process send probes in a namespace; nil is its own.
        func remediesToSend(in namespace: String?) -> [String] {
            guard let namespace else { return remedies(for: [.netRaw, .netAdmin]) }
            guard namespaceExists(namespace) else {
                return ["ip netns list  # shows those there are"]
            }
            guard capabilities?.has(.sysAdmin) == true else {
                return [
                    "systemctl enable --now tunnel-probe@\(namespace)"
                        + "  # an agent inside the namespace, which needs no CAP_SYS_ADMIN"
                ]
            }
            return remedies(for: [.netRaw, .netAdmin])
        }

        /// What gives this process capabilities that it lacks; nothing when it has them all: then
        /// something else is wrong, and the evidence says what.
        func remedies(for needed: [Capability]) -> [String] {
            guard let capabilities else { return [] }
            return MissingPrivilege(
                of: needed, in: capabilities, command: "probe now", isRoot: isRoot)?.remedies ?? []
        }
    }
}
