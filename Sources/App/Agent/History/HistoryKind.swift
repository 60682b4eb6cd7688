import EventStore
import History
import NetworkPrimitives

/// Kinds of events that only the store's own bookkeeping knows.
enum HistoryKind: String, CaseIterable, Sendable {
    /// The agent ended without a word, at this time or shortly after.
    case agentLost = "agent_lost"
    /// A tunnel is watched from now on.
    case tunnelAdded = "tunnel_added"
    /// A tunnel is watched no more.
    case tunnelRemoved = "tunnel_removed"
    /// The wall clock was set.
    case clockStepped = "clock_stepped"
    /// A damaged store was moved aside.
    case storeDamaged = "store_damaged"
    /// Rows were lost because they could not be stored for too long.
    case rowsDropped = "rows_dropped"

    /// An event of this kind.
    func event(
        of tunnel: String = "", at: WallTime, _ members: [(key: String, value: JSONValue)] = []
    ) -> StoredEvent {
        let body = JSONValue.object(members).encoded(indented: false)
        return StoredEvent(
            at: at, tunnel: tunnel, kind: rawValue, body: String(decoding: body, as: UTF8.self))
    }
}

extension StoredEvent {
    /// An event as the store keeps it.
    init(_ event: HistoryEvent) {
        self.init(
            at: event.at, tunnel: event.tunnel ?? "", kind: HistoryCoding.name(of: event.kind),
            body: HistoryCoding.body(of: event.kind))
    }

    /// An event of a tunnel, or of the host itself.
    init(_ kind: HistoryEvent.Kind, of tunnel: String? = nil, at: WallTime) {
        self.init(HistoryEvent(at: at, tunnel: tunnel, kind))
    }
}
