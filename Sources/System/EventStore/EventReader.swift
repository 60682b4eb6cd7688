public import NetworkPrimitives

/// Reads the event store, also while another process writes it.
///
/// Rows come in pages: how many there are never decides how much memory they take.
public final class EventReader {
    private let database: Database

    /// Reads over a connection that is there.
    init(_ database: Database) { self.database = database }

    /// Opens a store that another process may be writing.
    ///
    /// - Throws: `StoreError`: no such file, no permission, a newer version, damage.
    public init(path: String) throws(StoreError) {
        database = try Database(path: path, isReadOnly: true)
        let found = try database.number("PRAGMA user_version")
        try StoreSchema.current.check(found, path: path)
        guard found > 0, try database.number("PRAGMA application_id") == StoreSchema.applicationID
        else { throw StoreError(.foreign, "\(path) is no event store of tunnel-probe") }
    }

    /// Where a page ended, so that the next begins behind it.
    public struct EventPosition: Hashable, Sendable {
        var at: Int64
        var id: Int64

        /// Behind an event.
        public init(after event: StoredEvent) {
            at = event.at.nanoseconds
            id = event.id
        }
    }

    /// Events of a time, oldest first.
    ///
    /// - Parameters:
    ///   - times: from the first to the last moment.
    ///   - tunnel: whose; nil for all, empty for those of the host itself.
    ///   - position: where the page before ended; nil for the first.
    ///   - limit: the most of a page.
    /// - Returns: the page; shorter than `limit` when it is the last.
    /// - Throws: `StoreError`.
    public func events(
        _ times: ClosedRange<WallTime>, of tunnel: String? = nil,
        after position: EventPosition? = nil, limit: Int
    ) throws(StoreError) -> [StoredEvent] {
        let own = tunnel == nil ? "" : " AND tunnel = (SELECT id FROM tunnel WHERE name = ?5)"
        let select = try database.statement(
            """
            SELECT event.id, at, tunnel.name, kind, body FROM event
            JOIN tunnel ON tunnel.id = event.tunnel
            WHERE (at, event.id) > (?1, ?2) AND at <= ?3\(own)
            ORDER BY at, event.id LIMIT ?4
            """)
        defer { select.reset() }
        let first = times.lowerBound.nanoseconds
        // Times from before the first moment cannot be a position of this range.
        let start = position.map { max($0.at, first) } ?? first
        try select.bind(start, at: 1)
        try select.bind(position.map { $0.at >= first ? $0.id : 0 } ?? 0, at: 2)
        try select.bind(times.upperBound.nanoseconds, at: 3)
        try select.bind(Int64(limit), at: 4)
        if let tunnel { try select.bind(tunnel, at: 5) }
        var events: [StoredEvent] = []
        while try select.step() {
            events.append(
                StoredEvent(
                    id: select.integer(0), at: WallTime(nanoseconds: select.integer(1)),
                    tunnel: select.text(2), kind: select.text(3), body: select.text(4)))
        }
        return events
    }

    /// Minutes of a tunnel that began in a time, oldest first.
    ///
    /// - Parameters:
    ///   - times: from the first to the last moment.
    ///   - tunnel: whose.
    ///   - limit: the most of a page; the next begins a nanosecond behind the last minute.
    /// - Returns: the page; shorter than `limit` when it is the last.
    /// - Throws: `StoreError`.
    public func minutes(
        _ times: ClosedRange<WallTime>, of tunnel: String, limit: Int
    ) throws(StoreError) -> [StoredMinute] {
        let select = try database.statement(
            """
            SELECT at, body FROM minute
            WHERE tunnel = (SELECT id FROM tunnel WHERE name = ?1) AND at BETWEEN ?2 AND ?3
            ORDER BY at LIMIT ?4
            """)
        defer { select.reset() }
        try select.bind(tunnel, at: 1)
        try select.bind(times.lowerBound.nanoseconds, at: 2)
        try select.bind(times.upperBound.nanoseconds, at: 3)
        try select.bind(Int64(limit), at: 4)
        var minutes: [StoredMinute] = []
        while try select.step() {
            minutes.append(
                StoredMinute(
                    at: WallTime(nanoseconds: select.integer(0)), tunnel: tunnel,
                    body: select.text(1)))
        }
        return minutes
    }

    /// The latest event of a kind before a moment; nil where none is kept.
    public func latest(
        _ kind: String, of tunnel: String, before end: WallTime
    ) throws(StoreError) -> StoredEvent? {
        let select = try database.statement(
            """
            SELECT id, at, body FROM event
            WHERE tunnel = (SELECT id FROM tunnel WHERE name = ?1) AND at < ?2 AND kind = ?3
            ORDER BY at DESC, id DESC LIMIT 1
            """)
        defer { select.reset() }
        try select.bind(tunnel, at: 1)
        try select.bind(end.nanoseconds, at: 2)
        try select.bind(kind, at: 3)
        guard try select.step() else { return nil }
        return StoredEvent(
            id: select.integer(0), at: WallTime(nanoseconds: select.integer(1)), tunnel: tunnel,
            kind: kind, body: select.text(2))
    }

    /// When the agent was last known to run; nil for one that never was.
    public func heartbeat() throws(StoreError) -> WallTime? {
        let select = try database.statement("SELECT at FROM heartbeat")
        defer { select.reset() }
        return try select.step() ? WallTime(nanoseconds: select.integer(0)) : nil
    }

    /// The tunnels that anything is kept of, by name; without the host itself.
    public func tunnels() throws(StoreError) -> [String] {
        let select = try database.statement(
            "SELECT name FROM tunnel WHERE name != '' ORDER BY name")
        defer { select.reset() }
        var names: [String] = []
        while try select.step() { names.append(select.text(0)) }
        return names
    }
}
