import Configuration
import KernelState
import NetworkPrimitives
import ProviderChecks
import RawSockets
import Synchronization

extension ProbingService {
    /// Rules, sysctls and their counters are read anew where an answer is missing, but no more often.
    private static let freshness = Duration.seconds(10)

    /// Adds to each tunnel's checks why they stay unanswered, from the kernel's settings and routes.
    func judgingChecks(
        of tunnels: [TunnelReport], _ facts: [String?: NamespaceFacts]
    ) async -> [TunnelReport] {
        var judged = tunnels
        for index in tunnels.indices where !tunnels[index].checks.targets.isEmpty {
            let plan = tunnels[index].plan
            let namespace = plan.configuration.netns
            guard let snapshot = facts[namespace]?.snapshot else { continue }
            var judgement = CheckJudgement(
                plan: plan, kernel: tunnels[index].kernel, snapshot: snapshot,
                tunnelDevices: Set(
                    tunnels.filter { $0.plan.configuration.netns == namespace }
                        .compactMap(\.plan.tunnelInterface)))
            let own = judgement.ownAddresses
            var routes: AnswerRoutes?
            if let missing = tunnels[index].checks.missing {
                // The kernel and nft are asked on a thread of their own: they may be busy.
                let asked = freshReadings(of: namespace)
                let (looked, readings) = await offPool { [resolver] in
                    (
                        AnswerRoutes.current(for: missing, ownAddresses: own, in: namespace),
                        asked
                            ?? NamespaceWatch.look(
                                at: tunnels.map(\.plan).filter {
                                    $0.configuration.netns == namespace
                                }, resolver: resolver)[namespace]
                    )
                }
                routes = looked
                if let readings {
                    keep(readings, of: namespace)
                    judgement.kernel.readings = readings
                }
            }
            judged[index].checks = judgement.report(tunnels[index].checks, routes: routes)
        }
        return judged
    }

    private func freshReadings(of namespace: String?) -> NamespaceReadings? {
        let now = MonotonicClock.now()
        return settingsRead.withLock { read in
            guard let known = read[namespace], now - known.at < Self.freshness else { return nil }
            return known.readings
        }
    }

    private func keep(_ readings: NamespaceReadings, of namespace: String?) {
        let now = MonotonicClock.now()
        settingsRead.withLock { read in
            if let known = read[namespace], now - known.at < Self.freshness { return }
            read[namespace] = (now, readings)
        }
    }
}
