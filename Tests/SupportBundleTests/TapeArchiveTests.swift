import Foundation
import SupportBundle
import Testing

@Suite struct TapeArchiveTests {
    private static func tar(_ octets: [UInt8], _ arguments: [String]) throws -> String {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "archive-\(UUID().uuidString).tar")
        try Data(octets).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["tar", arguments[0], path.path] + arguments.dropFirst()
        process.environment = ["TZ": "UTC", "LC_ALL": "C", "PATH": "/usr/bin:/bin"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        #expect(process.terminationStatus == 0, "\(text)")
        return text
    }

    private static let longPath =
        "folder-of-some-length/" + String(repeating: "deep/", count: 15)
        + "a-file-whose-name-is-long-enough-to-be-split.txt"

    private static func sample() throws -> [UInt8] {
        var archive = TapeArchive(modified: 1_795_405_500)
        try archive.add("bundle/empty", [])
        try archive.add("bundle/one", Array("one line\n".utf8))
        try archive.add(longPath, [UInt8](repeating: 65, count: 512))
        try archive.add("bundle/long", [UInt8](repeating: 66, count: 1300))
        return archive.finished()
    }

    @Test func `tar lists names, sizes, modes and times`() throws {
        let lines = try Self.tar(try Self.sample(), ["-tvf"]).split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines.allSatisfy { $0.hasPrefix("-rw------- root/root") })
        #expect(lines.allSatisfy { $0.contains("2026-11-23 03:45") })
        #expect(lines[2].hasSuffix(Self.longPath))
        #expect(lines[3].contains(" 1300 "))
    }

    @Test func `tar unpacks what was put in`() throws {
        let text = try Self.tar(try Self.sample(), ["-xOf", "bundle/one"])
        #expect(text == "one line\n")
        let long = try Self.tar(try Self.sample(), ["-xOf", "bundle/long"])
        #expect(long == String(repeating: "B", count: 1300))
    }

    @Test func `an archive is whole blocks, and the same each time`() throws {
        let octets = try Self.sample()
        #expect(octets.count % 512 == 0)
        #expect(try octets == Self.sample())
    }

    @Test(arguments: [
        "", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "x\0y",
        String(repeating: "n", count: 101),
    ])
    func `a path that leads out or does not fit is refused`(path: String) {
        var archive = TapeArchive(modified: 0)
        #expect(throws: TapeArchive.Failure.path(path)) { try archive.add(path, []) }
    }
}
