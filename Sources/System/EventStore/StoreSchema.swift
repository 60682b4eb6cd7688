/// The tables of the event store, and the way from each version to the next.
struct StoreSchema {
    /// One step for each version: the first makes version 1 of an empty database.
    ///
    /// A step that was released never changes: databases out there have gone through it.
    var migrations: [String]

    /// Marks the file as the event store of tunnel-probe: "TPev".
    static let applicationID: Int64 = 0x5450_6576

    /// The tables of this version.
    static let current = StoreSchema(migrations: [version1])

    /// The version that the steps lead to.
    var version: Int64 { Int64(migrations.count) }

    /// The tables of version 1.
    ///
    /// Names have numbers, so that a minute takes little. Times are nanoseconds of Unix time. The empty name
    /// is the host itself.
    private static let version1 = """
        CREATE TABLE tunnel (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE
        ) STRICT;
        CREATE TABLE event (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at INTEGER NOT NULL,
            tunnel INTEGER NOT NULL REFERENCES tunnel (id),
            kind TEXT NOT NULL,
            body TEXT NOT NULL
        ) STRICT;
        CREATE INDEX event_at ON event (at, id);
        CREATE INDEX event_tunnel_at ON event (tunnel, at, id);
        CREATE TABLE minute (
            tunnel INTEGER NOT NULL REFERENCES tunnel (id),
            at INTEGER NOT NULL,
            body TEXT NOT NULL,
            PRIMARY KEY (tunnel, at)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX minute_at ON minute (at);
        CREATE TABLE heartbeat (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            at INTEGER NOT NULL
        ) STRICT;
        """

    /// Brings a database to this version, step by step; each is done as a whole or not at all.
    func migrate(_ database: Database) throws(StoreError) {
        while true {
            // Asked for inside: another process may have done the step meanwhile.
            let isDone = try database.transaction { () throws(StoreError) in
                let found = try database.number("PRAGMA user_version")
                try check(found, path: database.path)
                guard found < version else { return true }
                try database.run(migrations[Int(found)])
                try database.run("PRAGMA user_version = \(found + 1)")
                try database.run("PRAGMA application_id = \(Self.applicationID)")
                return false
            }
            if isDone { return }
        }
    }

    /// Refuses a database of a version that does not exist yet.
    func check(_ found: Int64, path: String) throws(StoreError) {
        guard found > version || found < 0 else { return }
        throw StoreError(
            .foreign,
            "\(path) has version \(found) of the event store, and this program knows versions up to "
                + "\(version): it was written by a newer one; upgrade, or move the file away")
    }
}
