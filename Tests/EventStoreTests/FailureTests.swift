import Foundation
import NetworkPrimitives
import Testing

@testable import EventStore

@Suite struct FailureTests {
    /// The program of the package that writes until it is killed; built beside the test bundle.
    private static var writer: String {
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
        let folder =
            bundle.map { URL(filePath: $0.bundlePath) }
            ?? URL(filePath: CommandLine.arguments[0])
        return folder.deletingLastPathComponent().appendingPathComponent("write-events").path
    }

    @Test(arguments: [1, 3, 10, 40, 41, 100])
    func `what was reported committed survives a kill in the middle of writing`(after count: Int)
        throws
    {
        let folder = StoreFolder()
        let process = Process()
        process.executableURL = URL(filePath: Self.writer)
        process.arguments = [folder.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        var output = Data()
        while output.filter({ $0 == 0x0A }).count < count {
            let more = pipe.fileHandleForReading.availableData
            try #require(!more.isEmpty, "it ended: \(String(decoding: output, as: UTF8.self))")
            output += more
        }
        kill(process.processIdentifier, SIGKILL)
        output += pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
        let reported = try #require(lines.last.flatMap { Int($0) })
        #expect(reported >= count)

        // A reader sees it before anyone repairs anything, and so does the next writer.
        let seen = try EventReader(path: folder.file).allEvents()
        let opening = try folder.open()
        #expect(opening.damage == nil)
        let kept = try opening.store.reader.allEvents()
        #expect(seen == kept)
        #expect(kept.count >= reported * 20)
        #expect(kept.count % 20 == 0, "a batch is there whole or not at all")
        #expect(
            kept.map(\.body) == kept.indices.map { "batch \($0 / 20) event \($0 % 20)" })
    }

    @Test func `a full database keeps what is committed, refuses more, and goes on with room`()
        throws
    {
        let folder = StoreFolder()
        let store = try folder.open().store
        try store.append(StoreBatch(events: [.test(0)]))
        let pages = try store.database.number("PRAGMA page_count")
        try store.database.run("PRAGMA max_page_count = \(pages + 10)")
        let large = StoreBatch(
            events: (1...100).map { .test(Double($0), "new", String(repeating: "x", count: 4000)) })
        let error = #expect(throws: StoreError.self) { try store.append(large) }
        #expect(error?.kind == .full)
        #expect(try store.reader.allEvents().count == 1)
        try store.append(StoreBatch(events: [.test(1, "new")]))
        try store.database.run("PRAGMA max_page_count = 100000")
        try store.append(large)
        #expect(try store.reader.allEvents().count == 102)
        #expect(try store.reader.allEvents(of: "new").count == 101)
    }

    @Test func `a damaged file is moved aside with its reason, and a new one begun`() throws {
        let folder = StoreFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: false)
        for (index, text) in ["no database, only text that is long enough", "x", "y"].enumerated() {
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: folder.file + suffix)
            }
            let garbage = Data(String(repeating: text, count: 2000).utf8)
            try garbage.write(to: URL(filePath: folder.file))
            let opening = try folder.open(at: .at(Double(index)))
            let damage = try #require(opening.damage)
            #expect(damage.path.hasPrefix("\(folder.file).damaged-2026"))
            #expect(damage.reason.contains("not a database"), "\(damage.reason)")
            #expect(try Data(contentsOf: URL(filePath: damage.path)) == garbage)
            try opening.store.append(StoreBatch(events: [.test(0)]))
        }
        #expect(try folder.names.filter { $0.contains("damaged") }.count == 2)
        #expect(try folder.open().damage == nil)
    }

    @Test func `pages that are damaged in the middle are found when it is opened`() throws {
        let folder = StoreFolder()
        do {
            let store = try folder.open().store
            try store.append(
                StoreBatch(
                    events: (0..<2000).map {
                        .test(Double($0), "cf-1", String(repeating: "x", count: 100))
                    }))
            _ = try store.database.number("PRAGMA wal_checkpoint(TRUNCATE)")
        }
        let file = try FileHandle(forUpdating: URL(filePath: folder.file))
        for page in 5..<12 {
            try file.seek(toOffset: UInt64(page * 4096))
            try file.write(contentsOf: Data(repeating: 0xA5, count: 4096))
        }
        try file.close()
        let opening = try folder.open()
        #expect(opening.damage != nil)
        #expect(try opening.store.reader.allEvents().isEmpty)
    }

    @Test func `two damaged files of one second are both kept`() throws {
        let folder = StoreFolder()
        _ = try folder.open()
        for _ in 0..<2 {
            for suffix in ["-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: folder.file + suffix)
            }
            try Data(repeating: 0x41, count: 5000).write(to: URL(filePath: folder.file))
            #expect(try folder.open(at: .at(7)).damage != nil)
        }
        #expect(try folder.names.filter { $0.contains("damaged") }.count == 2)
    }

    @Test func `a folder that cannot be made, and a file that is a folder, are said`() throws {
        let error = #expect(throws: StoreError.self) {
            _ = try EventStore.open(in: "/proc/no-such-folder/x", now: .at(0))
        }
        #expect(error?.kind == .unavailable)
        let folder = StoreFolder()
        try FileManager.default.createDirectory(
            atPath: folder.file, withIntermediateDirectories: true)
        let other = #expect(throws: StoreError.self) { _ = try folder.open() }
        #expect(other?.kind == .unavailable)
        #expect(other?.description.contains(folder.file) == true)
    }

    @Test func `a file that was deleted is missed`() throws {
        let folder = StoreFolder()
        let store = try folder.open().store
        #expect(!store.isMovedAway)
        try FileManager.default.removeItem(atPath: folder.file)
        #expect(store.isMovedAway)
    }

    @Test func `a full file system keeps what is committed, and nothing crashes`() throws {
        try #require(
            geteuid() == 0, "only root can mount a small file system; CI runs this as root")
        let folder = StoreFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: false)
        let script = """
            mount -t tmpfs -o size=1m none \(folder.path) || exit 2
            \(Self.writer) \(folder.path) | tail -2
            cp -a \(folder.path) \(folder.path).copy
            """
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/unshare")
        process.arguments = ["-m", "--propagation", "private", "sh", "-c", script]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(
            decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        defer { try? FileManager.default.removeItem(atPath: "\(folder.path).copy") }
        let lines = output.split(separator: "\n")
        try #require(lines.count == 2, "\(output)")
        let reported = try #require(Int(lines[0]), "\(output)")
        #expect(reported > 10)
        #expect(lines[1].contains("full"), "\(output)")
        let copy = try EventStore.open(in: "\(folder.path).copy", now: .at(0))
        #expect(copy.damage == nil)
        #expect(try copy.store.reader.allEvents().count == reported * 20)
    }
}
