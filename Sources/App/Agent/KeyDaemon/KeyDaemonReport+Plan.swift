import IKE
import NetworkPrimitives

extension ViciSession {
    /// The connection that is to negotiate a tunnel; nil when none is.
    func connection(of plan: TunnelPlan) -> KeyDaemonConnection? {
        guard let remote = plan.remote else { return nil }
        let named = association(of: plan)?.connection
        let fitting = connections.filter { connection in
            connection.name == named
                || Self.names(connection.remoteAddresses, remote)
                    && (connection.localAddresses.isEmpty
                        || plan.local.map { Self.names(connection.localAddresses, $0) } ?? true)
        }
        return fitting.first { $0.name == named } ?? fitting.first
    }

    /// The IKE SA of a tunnel; nil when there is none.
    func association(of plan: TunnelPlan) -> KeyDaemonAssociation? {
        let fitting = associations.filter { association in
            association.remote == plan.remote
                && (plan.local == nil || association.local == plan.local)
        }
        return fitting.first { !$0.children.isEmpty } ?? fitting.first
    }

    /// Whether a list of addresses names this one.
    private static func names(_ addresses: [String], _ wanted: IPAddress) -> Bool {
        addresses.contains { text in
            text == "%any" || text == "\(wanted)" || IPAddress(text) == wanted
        }
    }
}

extension KeyDaemonReport {
    /// What a daemon, or else its log, says of a tunnel.
    init(of plan: TunnelPlan, _ session: ViciSession?, _ log: DaemonLogWatch) {
        self.init()
        var record: KeyDaemonRecord?
        if let session {
            reason = session.reason
            version = session.version
            connection = session.connection(of: plan)
            association = session.association(of: plan)
            record = session.history.record(
                connections: [connection?.name ?? session.lastName(of: plan)].compactMap { $0 },
                peer: plan.remote)
            if record != nil || session.reason == nil { source = .vici }
        } else {
            reason = "no vici_socket is configured"
        }
        if record == nil || reason != nil,
            let logged = log.history.record(connections: [], peer: plan.remote)
        {
            record = logged
            source = log.source
        }
        if let obstacle = log.reason, reason != nil { reason? += "; \(obstacle)" }
        failure = record?.failure
        evidence = record?.evidence ?? []
        isHeard = record != nil
        refusedRekeys = record?.refusedRekeys ?? 0
        refusedSince = record?.refusedSince
    }
}
