import Foundation
import NetworkPrimitives
import Testing

@testable import EventStore

@Suite struct EventStoreTests {
    @Test func `events and minutes come back as they were, in the order of time`() throws {
        let folder = StoreFolder()
        let store = try folder.open().store
        let events = [
            StoredEvent.test(3, "cf-2", "täglich \u{1F600} \"quoted\" \0 nul"), .test(1),
            .test(2, ""),
            .test(2, "cf-2"),
        ]
        let minutes = [
            StoredMinute(at: .at(60), tunnel: "cf-1", body: "a"),
            StoredMinute(at: .at(0), tunnel: "cf-1", body: "b"),
            StoredMinute(at: .at(0), tunnel: "cf-2", body: ""),
        ]
        try store.append(StoreBatch(events: events, minutes: minutes, heartbeat: .at(70)))
        let read = try store.reader.allEvents()
        #expect(read.map(\.at) == [.at(1), .at(2), .at(2), .at(3)])
        #expect(read.map(\.tunnel) == ["cf-1", "", "cf-2", "cf-2"])
        #expect(read.last?.body == events[0].body)
        #expect(read.map(\.id) == [2, 3, 4, 1])
        #expect(
            try store.reader.minutes(WallTime.always, of: "cf-1", limit: 10) == [
                minutes[1], minutes[0],
            ])
        #expect(try store.reader.minutes(.at(1)...(.at(60)), of: "cf-1", limit: 10).count == 1)
        #expect(try store.reader.minutes(WallTime.always, of: "cf-2", limit: 1)[0].body == "")
        #expect(try store.reader.tunnels() == ["cf-1", "cf-2"])
        #expect(try store.reader.heartbeat() == .at(70))
    }

    @Test func `a minute that is written again is replaced`() throws {
        let folder = StoreFolder()
        let store = try folder.open().store
        for body in ["half", "whole"] {
            try store.append(
                StoreBatch(minutes: [StoredMinute(at: .at(0), tunnel: "cf-1", body: body)]))
        }
        #expect(
            try store.reader.minutes(WallTime.always, of: "cf-1", limit: 9).map(\.body) == ["whole"]
        )
    }

    @Test func `events come in pages that neither repeat nor miss any, also those of one moment`()
        throws
    {
        let folder = StoreFolder()
        let store = try folder.open().store
        try store.append(
            StoreBatch(
                events: (0..<50).map { .test(Double($0 / 10), $0 % 2 == 0 ? "a" : "b", "\($0)") }))
        for page in [1, 7, 10, 49, 50, 51] {
            #expect(try store.reader.allEvents(page: page).map(\.body) == (0..<50).map { "\($0)" })
        }
        #expect(try store.reader.allEvents(of: "b", page: 4).count == 25)
        #expect(try store.reader.allEvents(of: "nobody").isEmpty)
        #expect(try store.reader.events(.at(1)...(.at(2)), limit: 100).count == 20)
        #expect(try store.reader.latest("test", of: "a", before: .at(2))?.body == "18")
        #expect(try store.reader.latest("other", of: "a", before: .at(2)) == nil)
    }

    @Test func `files are for owner and group, whatever the mask`() throws {
        let folder = StoreFolder()
        let store = try folder.open().store
        try store.append(StoreBatch(events: [.test(0)]))
        #expect(try folder.names == ["events.sqlite", "events.sqlite-shm", "events.sqlite-wal"])
        for name in try folder.names { #expect(try folder.mode(name) == 0o640) }
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions]
        #expect((mode as? Int ?? 0o777) & 0o027 == 0)
    }

    @Test func `another connection reads while one writes, and after it has closed`() throws {
        let folder = StoreFolder()
        do {
            let store = try folder.open().store
            try store.append(StoreBatch(events: [.test(0)]))
            let reader = try EventReader(path: folder.file)
            #expect(try reader.allEvents().count == 1)
            for second in 1...50 {
                try store.append(StoreBatch(events: [.test(Double(second))]))
                #expect(try reader.allEvents().count == second + 1)
            }
        }
        #expect(try EventReader(path: folder.file).allEvents().count == 51)
        // The log stays, so that somebody who may only read can open it.
        #expect(try folder.names.count == 3)
    }

    @Test func `a reader refuses what is not there or no store`() throws {
        let folder = StoreFolder()
        #expect(throws: StoreError.self) { _ = try EventReader(path: folder.file) }
        _ = try folder.open()
        let other = "\(folder.path)/other"
        try Data("no database at all, but long enough to be taken for one".utf8).write(
            to: URL(filePath: other))
        let error = #expect(throws: StoreError.self) { _ = try EventReader(path: other) }
        #expect(error?.kind == .damaged)
    }

    @Test func `a million minutes stay fast`() throws {
        let folder = StoreFolder()
        let store = try folder.open().store
        let clock = ContinuousClock()
        let body = #"{"healthy":60,"sent":60,"lost":0,"rtt":0.0123}"#
        let writing = try clock.measure {
            for batch in 0..<100 {
                try store.append(
                    StoreBatch(
                        minutes: (0..<10_000).map { index in
                            let number = batch * 10_000 + index
                            return StoredMinute(
                                at: .at(Double(number / 20) * 60), tunnel: "cf-\(number % 20)",
                                body: body)
                        }))
            }
        }
        var day: [StoredMinute] = []
        let reading = try clock.measure {
            day = try store.reader.minutes(
                .at(86_400 * 20)...(.at(86_400 * 21 - 1)), of: "cf-7", limit: 10_000)
        }
        let one = try clock.measure {
            try store.append(
                StoreBatch(minutes: [StoredMinute(at: .at(-60), tunnel: "cf-1", body: body)]))
        }
        let opening = try clock.measure { _ = try EventReader(path: folder.file).tunnels() }
        let size = try store.size()
        print(
            "a million minutes: written in \(writing), \(size >> 20) MiB; a day of one read in "
                + "\(reading), one more committed in \(one), opened in \(opening)")
        #expect(day.count == 1440)
        // Generous: a scan of all would take longer than reading a day may.
        #expect(reading < .seconds(2))
        #expect(one < .seconds(2))
        #expect(size < 150 << 20)
    }
}
