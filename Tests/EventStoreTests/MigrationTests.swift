import Foundation
import NetworkPrimitives
import Testing

@testable import EventStore

@Suite struct MigrationTests {
    /// The tables of this version and one more, as a coming version may have them.
    private static let next = StoreSchema(
        migrations: StoreSchema.current.migrations + [
            "ALTER TABLE event ADD COLUMN weight INTEGER NOT NULL DEFAULT 7"
        ])

    /// A database as version 1 left it; this text never changes.
    private static func makeVersion1(_ folder: borrowing StoreFolder) throws {
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: false)
        try Data().write(to: URL(filePath: folder.file))
        let database = try Database(path: folder.file, isReadOnly: false)
        try database.run(
            """
            PRAGMA auto_vacuum = INCREMENTAL;
            CREATE TABLE tunnel (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
            CREATE TABLE event (
                id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,
                tunnel INTEGER NOT NULL REFERENCES tunnel (id), kind TEXT NOT NULL,
                body TEXT NOT NULL) STRICT;
            CREATE INDEX event_at ON event (at, id);
            CREATE INDEX event_tunnel_at ON event (tunnel, at, id);
            CREATE TABLE minute (
                tunnel INTEGER NOT NULL REFERENCES tunnel (id), at INTEGER NOT NULL,
                body TEXT NOT NULL, PRIMARY KEY (tunnel, at)) STRICT, WITHOUT ROWID;
            CREATE INDEX minute_at ON minute (at);
            CREATE TABLE heartbeat (
                id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL) STRICT;
            INSERT INTO tunnel VALUES (1, 'cf-1'), (2, '');
            INSERT INTO event VALUES (1, 1780000000000000000, 1, 'test', '{"old":true}');
            INSERT INTO event VALUES (2, 1780000001000000000, 2, 'test', '');
            INSERT INTO minute VALUES (1, 1780000000000000000, 'm');
            INSERT INTO heartbeat VALUES (1, 1780000060000000000);
            PRAGMA application_id = 1414554998;
            PRAGMA user_version = 1;
            """)
    }

    @Test func `a database of version 1 is read and written on`() throws {
        let folder = StoreFolder()
        try Self.makeVersion1(folder)
        let opening = try folder.open()
        #expect(opening.damage == nil)
        try opening.store.append(StoreBatch(events: [.test(2)]))
        let reader = opening.store.reader
        #expect(try reader.allEvents().map(\.id) == [1, 2, 3])
        #expect(try reader.allEvents().first?.body == #"{"old":true}"#)
        #expect(try reader.minutes(WallTime.always, of: "cf-1", limit: 9).map(\.body) == ["m"])
        #expect(try reader.heartbeat() == .at(60))
    }

    @Test func `the fixture of version 1 has the tables that version 1 makes`() throws {
        let tables = "SELECT group_concat(name || type || tbl_name, ' ') FROM sqlite_schema"
        func names(_ database: Database) throws -> String {
            let statement = try database.statement(tables)
            _ = try statement.step()
            return statement.text(0)
        }
        let old = StoreFolder()
        let new = StoreFolder()
        try Self.makeVersion1(old)
        let first = StoreSchema(migrations: [StoreSchema.current.migrations[0]])
        let made = try EventStore.open(in: new.path, now: .at(0), schema: first).store.database
        #expect(
            try names(Database(path: old.file, isReadOnly: true)).split(separator: " ").sorted()
                == names(made).split(separator: " ").sorted())
    }

    @Test func `a further step changes the tables and keeps the rows`() throws {
        let folder = StoreFolder()
        try Self.makeVersion1(folder)
        let store = try EventStore.open(in: folder.path, now: .at(0), schema: Self.next).store
        #expect(try store.database.number("PRAGMA user_version") == 2)
        #expect(try store.database.number("SELECT sum(weight) FROM event") == 14)
        #expect(try store.reader.allEvents().count == 2)
    }

    @Test func `a step that fails leaves the version before`() throws {
        let folder = StoreFolder()
        try Self.makeVersion1(folder)
        let broken = StoreSchema(
            migrations: Self.next.migrations + ["DROP TABLE minute; DROP TABLE no_such_table"])
        #expect(throws: StoreError.self) {
            _ = try EventStore.open(in: folder.path, now: .at(0), schema: broken)
        }
        let store = try EventStore.open(in: folder.path, now: .at(0), schema: Self.next).store
        #expect(try store.database.number("PRAGMA user_version") == 2)
        #expect(try store.reader.minutes(WallTime.always, of: "cf-1", limit: 9).count == 1)
    }

    @Test func `a newer version is refused with words and left untouched`() throws {
        let folder = StoreFolder()
        do {
            let store = try EventStore.open(in: folder.path, now: .at(0), schema: Self.next).store
            try store.append(StoreBatch(events: [.test(0)]))
        }
        let before = try ["", "-wal"].map { try Data(contentsOf: URL(filePath: folder.file + $0)) }
        for _ in 0..<2 {
            let error = #expect(throws: StoreError.self) { _ = try folder.open() }
            #expect(error?.kind == .foreign)
            #expect(error?.description.contains("version 2") == true)
        }
        #expect(throws: StoreError.self) { _ = try EventReader(path: folder.file) }
        #expect(
            try before
                == ["", "-wal"].map { try Data(contentsOf: URL(filePath: folder.file + $0)) })
        #expect(try folder.names.count == 3)
    }

    @Test func `another program's database is refused and left untouched`() throws {
        let folder = StoreFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: false)
        try Data().write(to: URL(filePath: folder.file))
        do {
            let other = try Database(path: folder.file, isReadOnly: false)
            try other.run("CREATE TABLE theirs (x)")
        }
        let before = try Data(contentsOf: URL(filePath: folder.file))
        let error = #expect(throws: StoreError.self) { _ = try folder.open() }
        #expect(error?.kind == .foreign)
        #expect(try Data(contentsOf: URL(filePath: folder.file)) == before)
    }
}
