@testable import Agent
import Configuration
import Foundation
import Testing

@Suite struct ConfigurationStoreTests {
    private static func withFile(
        _ body: (_ path: String, _ write: (String) throws -> Void) throws -> Void
    ) throws {
        let path = "/tmp/store-tests-\(UUID().uuidString.prefix(8)).conf"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path) { try Data($0.utf8).write(to: URL(fileURLWithPath: path)) }
    }

    @Test func `a mistake keeps the running configuration and is told by line`() throws {
        try Self.withFile { path, write in
            try write("[defaults]\ninterval = \"2s\"\n")
            let store = ConfigurationStore(try .load(path: path), path: path)
            let started = store.status.lastSuccess
            try write("[defaults]\ninterval = \"1ms\"\n")
            guard case .refused(let problems) = store.reload() else {
                Issue.record("a mistake was taken over")
                return
            }
            #expect(problems.contains("\(path):2:12: defaults.interval"))
            #expect(problems.contains("the running configuration stays"))
            #expect(store.current.probing.interval == .seconds(2))
            #expect(!store.status.wasSuccessful)
            #expect(store.status.lastSuccess == started)

            try FileManager.default.removeItem(atPath: path)
            guard case .refused = store.reload() else {
                Issue.record("a missing file was taken over")
                return
            }
            #expect(store.current.probing.interval == .seconds(2))

            try write("[agent]\nlisten = \"\"\n[defaults]\ninterval = \"3s\"\n")
            guard case .loaded(let summary) = store.reload() else {
                Issue.record("a good file was refused")
                return
            }
            #expect(summary.contains("a change of listen takes effect at the next start"))
            #expect(store.current.probing.interval == .seconds(3))
            #expect(store.status.wasSuccessful)
            #expect(store.status.lastSuccess > started)
        }
    }

    @Test func `without a file there is nothing to load`() {
        let store = ConfigurationStore(.defaults, path: nil)
        guard case .loaded = store.reload() else {
            Issue.record("refused")
            return
        }
        #expect(store.current == .defaults)
    }
}
