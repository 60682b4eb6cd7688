import Diagnosis
import IKE
import KernelState
import NetworkPrimitives

extension FactSource {
    /// Adds what the key daemon's configuration says of dead peers and lifetimes, and how rekeys end.
    func fillRekeySettings(_ facts: inout IKEFacts) {
        let daemon = report.ike.daemon
        let unasked =
            daemon.map { $0.reason ?? "the key daemon has no connection to this endpoint" }
            ?? "no key daemon was asked"
        facts.daemon = facts.daemon ?? daemon?.version
        if let connection = daemon?.connection {
            facts.connection = connection.name
            facts.deadPeer = deadPeer(of: connection)
            facts.associationLifetime =
                connection.rekeyAfter.map { .known($0) }
                ?? .unknown(reason: "the key daemon never replaces the IKE SA")
            facts.childLifetime =
                connection.children.compactMap(\.rekeyAfter).min().map { .known($0) }
                ?? .unknown(reason: "the key daemon never replaces the child SA")
        } else {
            facts.deadPeer = .unknown(reason: unasked)
            facts.associationLifetime = .unknown(reason: unasked)
            facts.childLifetime = kernelLifetime ?? .unknown(reason: unasked)
        }
        if let daemon, daemon.reason == nil || daemon.isHeard {
            let span = daemon.refusedSince.map { now - $0 } ?? .zero
            facts.temporaryFailures = .known(Growth(UInt64(daemon.refusedRekeys), in: span))
        } else {
            facts.temporaryFailures = .unknown(reason: unasked)
        }
    }

    /// How the children of a connection treat a dead peer; where they differ, the one that does least.
    private func deadPeer(
        of connection: KeyDaemonConnection
    ) -> Fact<IKEFacts.DeadPeerDetection> {
        let actions = connection.children.compactMap(\.deadPeerAction)
        guard !actions.isEmpty else {
            return .unknown(reason: "the key daemon names no dead peer action")
        }
        let least = actions.first { !Self.restarts.contains($0) } ?? actions[0]
        return .known(
            IKEFacts.DeadPeerDetection(
                delay: connection.deadPeerDelay, action: least,
                isRestart: Self.restarts.contains(least)))
    }

    /// Actions that negotiate anew, at once or with the next packet: charon's words over vici, and those of
    /// its configuration.
    private static let restarts: Set = ["start", "restart", "trap", "hold", "route"]

    /// How long the kernel keeps the child SA, where no key daemon tells; nil where nothing ends it.
    private var kernelLifetime: Fact<Duration>? {
        guard let association = report.kernel.newest(.inbound),
            let added = association.addedAt,
            let end = association.hardExpiresAt ?? association.softExpiresAt
        else { return nil }
        return .known(.nanoseconds(max(0, end.nanoseconds - added.nanoseconds)))
    }
}
