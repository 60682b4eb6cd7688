import Foundation
import NetworkPrimitives

@testable import EventStore

/// A folder for one test's store.
struct StoreFolder: ~Copyable {
    let path = FileManager.default.temporaryDirectory
        .appendingPathComponent("store-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var file: String { "\(path)/events.sqlite" }

    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }

    func open(at now: WallTime = .at(0)) throws -> EventStore.Opening {
        try EventStore.open(in: path, now: now)
    }

    func mode(_ name: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")[.posixPermissions]
            as? Int ?? 0
    }
}

extension WallTime {
    /// So many seconds after a moment in 2026.
    static func at(_ seconds: Double) -> WallTime {
        WallTime(nanoseconds: 1_780_000_000_000_000_000 + Int64(seconds * 1e9))
    }

    static let always = WallTime(nanoseconds: .min)...WallTime(nanoseconds: .max)
}

extension StoredEvent {
    static func test(_ seconds: Double, _ tunnel: String = "cf-1", _ body: String = "{}") -> Self {
        StoredEvent(at: .at(seconds), tunnel: tunnel, kind: "test", body: body)
    }
}

extension EventReader {
    /// All events in pages of a size.
    func allEvents(of tunnel: String? = nil, page: Int = 100) throws -> [StoredEvent] {
        var all: [StoredEvent] = []
        while true {
            let events = try events(
                WallTime.always, of: tunnel, after: all.last.map(EventPosition.init), limit: page)
            all += events
            if events.count < page { return all }
        }
    }
}
