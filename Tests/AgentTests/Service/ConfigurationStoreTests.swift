@testable import Agent
import Configuration
import Foundation
import HTTP
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
            let store = try Self.store(path)
            let started = store.status.lastSuccess
            try write("[defaults]\ninterval = \"1ms\"\n")
            guard case .refused(let problems) = store.reload(security: nil) else {
                Issue.record("a mistake was taken over")
                return
            }
            #expect(problems.contains("\(path):2:12: defaults.interval"))
            #expect(problems.contains("the running configuration stays"))
            #expect(store.current.probing.interval == .seconds(2))
            #expect(!store.status.wasSuccessful)
            #expect(store.status.lastSuccess == started)

            try FileManager.default.removeItem(atPath: path)
            guard case .refused = store.reload(security: nil) else {
                Issue.record("a missing file was taken over")
                return
            }
            #expect(store.current.probing.interval == .seconds(2))

            try write("[agent]\nlisten = \"\"\n[defaults]\ninterval = \"3s\"\n")
            guard case .loaded(let summary) = store.reload(security: nil) else {
                Issue.record("a good file was refused")
                return
            }
            #expect(summary.contains("a change of listen takes effect at the next start"))
            #expect(store.current.probing.interval == .seconds(3))
            #expect(store.status.wasSuccessful)
            #expect(store.status.lastSuccess > started)
        }
    }

    /// A store that runs with a file an operator named.
    private static func store(_ path: String) throws -> ConfigurationStore {
        let file = ConfigurationFile(path: path, isRequired: true)
        return ConfigurationStore(try file.load(), file: file)
    }

    @Test func `the installed file is taken up when it appears, and its absence is the defaults`()
        throws
    {
        try Self.withFile { path, write in
            let file = ConfigurationFile(path: path, isRequired: false)
            let store = ConfigurationStore(try file.load(), file: file)
            #expect(store.current == .defaults)
            guard case .loaded(let nothing) = store.reload(security: nil) else {
                Issue.record("refused for want of a file")
                return
            }
            #expect(nothing == "there is no \(path): the defaults are in force")
            #expect(store.current == .defaults)

            try write("[defaults]\ninterval = \"2s\"\n")
            guard case .loaded = store.reload(security: nil) else {
                Issue.record("the file was refused")
                return
            }
            #expect(store.current.probing.interval == .seconds(2))

            try write("[defaults]\ninterval = 2\n")
            guard case .refused = store.reload(security: nil) else {
                Issue.record("a mistake was taken over")
                return
            }
            #expect(store.current.probing.interval == .seconds(2))

            try FileManager.default.removeItem(atPath: path)
            guard case .loaded = store.reload(security: nil) else {
                Issue.record("refused for want of a file")
                return
            }
            #expect(store.current == .defaults)
            #expect(store.status.wasSuccessful)
        }
    }

    @Test func `a file that an operator named must be there`() throws {
        let absent = "/tmp/store-tests-\(UUID().uuidString).conf"
        #expect(throws: ConfigurationFailure.self) {
            try ConfigurationFile(path: absent, isRequired: true).load()
        }
        #expect(try ConfigurationFile(path: absent, isRequired: false).load() == .defaults)
    }

    @Test func `a broken web configuration refuses the reload as a whole`() async throws {
        try Self.withFile { web, writeWeb in
            try Self.withFile { path, write in
                func text(_ interval: String, _ web: String) -> String {
                    "[agent]\nweb_config = \"\(web)\"\n[defaults]\ninterval = \"\(interval)\"\n"
                }
                try writeWeb("http_server_config:\n  headers:\n    X-Frame-Options: deny\n")
                try write(text("2s", web))
                let store = try Self.store(path)
                let security = try WebSecurity(path: web)
                let started = store.status.lastSuccess

                try write(text("3s", web))
                try writeWeb("tls_server_config:\n  cert: x\n")
                guard case .refused(let problems) = store.reload(security: security) else {
                    Issue.record("a broken web configuration was taken over")
                    return
                }
                #expect(problems.hasPrefix("\(web):2:"))
                #expect(problems.hasSuffix("\nthe running configuration stays in force"))
                #expect(store.current.probing.interval == .seconds(2))
                #expect(!store.status.wasSuccessful)
                #expect(store.status.lastSuccess == started)

                // Another file that does not exist would only be missed at the next start.
                try write(text("3s", "\(web).absent"))
                guard case .refused(let absent) = store.reload(security: security) else {
                    Issue.record("a web configuration that is not there was taken over")
                    return
                }
                #expect(absent.hasPrefix("\(web).absent: "))

                try write(text("3s", web))
                try writeWeb("")
                guard case .loaded = store.reload(security: security) else {
                    Issue.record("good files were refused")
                    return
                }
                #expect(store.current.probing.interval == .seconds(3))
                #expect(store.status.wasSuccessful)
            }
        }
    }
}
