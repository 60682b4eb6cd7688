import Foundation
import Testing

@testable import HostFacts

@Suite struct StateFolderTests {
    private static func onFolder(_ body: (StateFolder) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("folder-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = StateFolder(path)
        #expect(try folder.files().isEmpty, "no folder has no files")
        try folder.create()
        try folder.create()
        try body(folder)
    }

    private static func mode(_ path: String) throws -> Int {
        try #require(
            FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func `a file is written whole, with its mode, and deleted`() throws {
        try Self.onFolder { folder in
            let octets = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
            try folder.write(octets, to: "a.pcapng", mode: 0o640)
            #expect(try folder.read("a.pcapng", limit: 1 << 20) == octets)
            #expect(try Self.mode("\(folder.path)/a.pcapng") == 0o640)
            #expect(try Self.mode(folder.path) & 0o007 == 0)
            try folder.write([1, 2, 3], to: "a.pcapng", mode: 0o600)
            let files = try folder.files()
            #expect(files.map(\.name) == ["a.pcapng"])
            #expect(files.map(\.size) == [3])
            let age = Date().timeIntervalSince1970 - Double(files[0].modified) / 1e9
            #expect(abs(age) < 60)
            try folder.remove("a.pcapng")
            try folder.remove("a.pcapng")
            #expect(try folder.files().isEmpty)
        }
    }

    @Test(arguments: ["", ".", "..", "../x", "a/b", "a\0b"])
    func `no name leads out of the folder`(name: String) throws {
        try Self.onFolder { folder in
            #expect(throws: FileError.self) { try folder.write([1], to: name, mode: 0o600) }
            #expect(throws: FileError.self) { try folder.remove(name) }
            #expect(throws: FileError.self) { _ = try folder.read(name, limit: 1) }
        }
    }

    @Test func `folders and links are no files of it`() throws {
        try Self.onFolder { folder in
            let manager = FileManager.default
            try manager.createDirectory(
                atPath: "\(folder.path)/sub", withIntermediateDirectories: false)
            try manager.createSymbolicLink(
                atPath: "\(folder.path)/link", withDestinationPath: "/etc/passwd")
            #expect(try folder.files().isEmpty)
        }
    }

    @Test func `what cannot be written leaves no part of a file`() throws {
        try Self.onFolder { folder in
            try FileManager.default.createDirectory(
                atPath: "\(folder.path)/x", withIntermediateDirectories: false)
            #expect(throws: FileError.self) { try folder.write([1], to: "x", mode: 0o600) }
            #expect(try folder.files().isEmpty)
        }
    }
}
