import Foundation
import NetworkPrimitives
import Testing

@testable import EventStore

@Suite struct RetentionTests {
    private static func fill(_ store: EventStore, minutes: Int) throws {
        let body = String(repeating: "x", count: 200)
        try store.append(
            StoreBatch(
                events: (0..<minutes / 10).map { .test(Double($0 * 600), "cf-1", body) },
                minutes: (0..<minutes).map {
                    StoredMinute(at: .at(Double($0 * 60)), tunnel: "cf-\($0 % 2)", body: body)
                }))
    }

    @Test func `what is too old goes, and its tunnels with it`() throws {
        let folder = StoreFolder()
        let store = try folder.open().store
        try store.append(StoreBatch(events: [.test(-1, "gone")]))
        try Self.fill(store, minutes: 1000)
        let before = try store.size()
        let trimmed = try store.trim(.init(start: .at(30_000), size: .max))
        #expect(trimmed.aged == 1 + 50 + 500)
        #expect(trimmed.oversize == 0)
        #expect(try store.reader.allEvents().first?.at == .at(30_000))
        #expect(try store.reader.tunnels() == ["cf-0", "cf-1"])
        #expect(try store.size() < before)
        // A name that comes again gets a number again.
        try store.append(StoreBatch(events: [.test(60_001, "gone")]))
        #expect(try store.reader.allEvents(of: "gone").count == 1)
        #expect(try store.trim(.init(start: .at(30_000), size: .max)) == (0, 0))
    }

    @Test func `beyond the size the oldest goes, the newest stays and the file shrinks`() throws {
        let folder = StoreFolder()
        let store = try folder.open().store
        try Self.fill(store, minutes: 20_000)
        let before = try store.size()
        let limit = before / 2
        let trimmed = try store.trim(.init(start: .at(0), size: limit))
        #expect(trimmed.aged == 0)
        #expect(trimmed.oversize > 0)
        #expect(try store.size() <= limit)
        #expect(try store.size() > limit / 2, "not more goes than must")
        let file = try FileManager.default.attributesOfItem(atPath: folder.file)[.size] as? Int
        #expect(try #require(file) <= limit)
        let last = try store.reader.minutes(WallTime.always, of: "cf-1", limit: 100_000).last
        #expect(last?.at == .at(19_999 * 60))
        // It goes on, within the size.
        try Self.fill(store, minutes: 20_000)
        _ = try store.trim(.init(start: .at(0), size: limit))
        #expect(try store.size() <= limit)
    }

    @Test func `a size that nothing fits in leaves nothing`() throws {
        let folder = StoreFolder()
        let store = try folder.open().store
        try Self.fill(store, minutes: 500)
        _ = try store.trim(.init(start: .at(0), size: 1))
        #expect(try store.reader.allEvents().isEmpty)
        try store.append(StoreBatch(events: [.test(0)]))
        #expect(try store.reader.allEvents().count == 1)
    }

    @Test func `a reader in the middle of a page keeps what it sees`() throws {
        let folder = StoreFolder()
        let store = try folder.open().store
        try Self.fill(store, minutes: 2000)
        let reader = try Database(path: folder.file, isReadOnly: true)
        try reader.run("BEGIN")
        let before = try reader.number("SELECT count(*) FROM minute")
        _ = try store.trim(.init(start: .at(60_000), size: .max))
        #expect(try reader.number("SELECT count(*) FROM minute") == before)
        try reader.run("COMMIT")
        #expect(try reader.number("SELECT count(*) FROM minute") == 1000)
    }
}
