import EventStore
import History
import NetworkPrimitives

/// The history that the event store keeps.
struct StoredHistory: HistorySource {
    /// Rows that are read at a time.
    private static let page = 1000

    private let reader: EventReader

    /// Reads over a connection to a store.
    init(_ reader: EventReader) { self.reader = reader }

    /// Opens the store of a state directory, which an agent may be writing.
    init(in folder: String) throws(StoreError) {
        reader = try EventReader(path: "\(folder)/\(EventStore.fileName)")
    }

    func events(
        _ times: ClosedRange<WallTime>, of tunnel: String?
    ) throws(StoreError) -> [HistoryEvent] {
        var events: [HistoryEvent] = []
        var position: EventReader.EventPosition?
        while true {
            let rows = try reader.events(times, of: tunnel, after: position, limit: Self.page)
            events += rows.map {
                HistoryCoding.event(at: $0.at, tunnel: $0.tunnel, kind: $0.kind, body: $0.body)
            }
            guard rows.count == Self.page, let last = rows.last else { return events }
            position = .init(after: last)
        }
    }

    func minutes(
        _ times: ClosedRange<WallTime>, of tunnel: String
    ) throws(StoreError) -> [HistoryMinute] {
        var minutes: [HistoryMinute] = []
        var rest = times
        while true {
            let rows = try reader.minutes(rest, of: tunnel, limit: Self.page)
            minutes += rows.map {
                HistoryCoding.minute(at: $0.at, tunnel: $0.tunnel, body: $0.body)
            }
            guard rows.count == Self.page, let last = rows.last else { return minutes }
            let next = last.at + .nanoseconds(1)
            guard next <= times.upperBound else { return minutes }
            rest = next...times.upperBound
        }
    }

    func tunnels() throws(StoreError) -> [String] { try reader.tunnels() }

    func state(of tunnel: String, before: WallTime) throws(StoreError) -> String? {
        guard let row = try reader.latest("state_changed", of: tunnel, before: before) else {
            return nil
        }
        // A state does not outlive the agent that judged it.
        for kind in ["agent_stopped", "agent_lost"] {
            if let end = try reader.latest(kind, of: "", before: before), end.at >= row.at {
                return nil
            }
        }
        let event = HistoryCoding.event(
            at: row.at, tunnel: row.tunnel, kind: row.kind, body: row.body)
        guard case .stateChanged(let change) = event.kind else { return nil }
        return change.to
    }
}

extension HistoryMinute {
    /// Adds what another row of the same minute came to.
    mutating func add(_ other: HistoryMinute) {
        sent += other.sent
        lost += other.lost
        outsideSent += other.outsideSent
        outsideLost += other.outsideLost
        healthy += other.healthy
        degraded += other.degraded
        down += other.down
        unknown += other.unknown
    }
}
