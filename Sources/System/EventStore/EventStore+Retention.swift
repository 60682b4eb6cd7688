import Glibc
public import NetworkPrimitives

extension EventStore {
    /// Which rows stay.
    public struct Retention: Equatable, Sendable {
        /// Rows from before this moment go.
        public var start: WallTime
        /// What database and log may take together, in octets: beyond it the oldest rows go.
        public var size: Int

        /// Makes a rule.
        public init(start: WallTime, size: Int) {
            self.start = start
            self.size = size
        }
    }

    /// What database and log take on the disk together, in octets.
    public func size() throws(StoreError) -> Int {
        let pages = try database.number("PRAGMA page_count")
        var status = stat()
        let log = unsafe stat("\(path)-wal", &status) == 0 ? Int(status.st_size) : 0
        return Int(pages * (try database.number("PRAGMA page_size"))) + log
    }

    /// Deletes what is not to stay; the file shrinks by it.
    ///
    /// - Returns: how many rows went, for their age and for their size.
    /// - Throws: `StoreError`; what went until then is gone.
    @discardableResult
    public func trim(_ retention: Retention) throws(StoreError) -> (aged: Int, oversize: Int) {
        let aged = try delete(before: retention.start.nanoseconds)
        if aged > 0 { try shrink() }
        var oversize = 0
        guard try size() > retention.size else { return (aged, oversize) }
        try shrink()
        // Some room below the limit, so that not each minute deletes a few rows.
        while try size() > retention.size / 10 * 9, let end = try oldestTwentieth() {
            let count = try delete(before: end)
            guard count > 0 else { break }
            oversize += count
            try shrink()
        }
        return (aged, oversize)
    }

    /// The end of the oldest twentieth of the rows; nil when there is none.
    private func oldestTwentieth() throws(StoreError) -> Int64? {
        let events = try database.number("SELECT count(*) FROM event")
        let minutes = try database.number("SELECT count(*) FROM minute")
        guard events + minutes > 0 else { return nil }
        let (table, count) = events > minutes ? ("event", events) : ("minute", minutes)
        let select = try database.statement("SELECT at FROM \(table) ORDER BY at LIMIT 1 OFFSET ?")
        defer { select.reset() }
        try select.bind(min(count / 20, count - 1), at: 1)
        // That row goes too: many may be of one moment.
        return try select.step() ? select.integer(0) &+ 1 : nil
    }

    private func delete(before end: Int64) throws(StoreError) -> Int {
        var deleted = 0
        for table in ["event", "minute"] {
            let find = try database.statement("SELECT EXISTS (SELECT 1 FROM \(table) WHERE at < ?)")
            try find.bind(end, at: 1)
            let isAny = try find.step() && find.integer(0) != 0
            find.reset()
            guard isAny else { continue }
            deleted += try database.transaction { () throws(StoreError) in
                let delete = try database.statement("DELETE FROM \(table) WHERE at < ?")
                try delete.bind(end, at: 1)
                try delete.run()
                return database.changes
            }
        }
        guard deleted > 0 else { return 0 }
        try database.run(
            """
            DELETE FROM tunnel WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.tunnel = tunnel.id)
            AND NOT EXISTS (SELECT 1 FROM minute WHERE minute.tunnel = tunnel.id)
            """)
        forgetTunnelNumbers()
        return deleted
    }

    /// Gives free pages back, and writes the log back and cuts it.
    private func shrink() throws(StoreError) {
        try database.run("PRAGMA incremental_vacuum")
        // A reader in the middle keeps the log: the next time will do.
        _ = try database.number("PRAGMA wal_checkpoint(TRUNCATE)")
    }
}
