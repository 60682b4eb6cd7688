import Foundation
import Testing

/// A network namespace of a test's own, which it takes away again.
struct NamespaceFixture: ~Copyable {
    let name: String

    init() throws {
        name = "tp-netlink-\(UInt32.random(in: 0...(.max)))"
        try Self.run(["ip", "netns", "add", name])
        try ip("link set lo up")
    }

    deinit {
        do {
            try Self.run(["ip", "netns", "delete", name])
        } catch {
            Issue.record("namespace \(name) is left: \(error)")
        }
    }

    /// What `ip -n NAME …` prints.
    @discardableResult
    func ip(_ arguments: String) throws -> String {
        try Self.run(["ip", "-n", name] + arguments.split(separator: " ").map(String.init))
    }

    /// What `ip -j -n NAME …` prints, as JSON objects.
    func json(_ arguments: String) throws -> [[String: Any]] {
        let text = try Self.run(
            ["ip", "-j", "-n", name] + arguments.split(separator: " ").map(String.init))
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        // iproute2 prints an empty object for what has no JSON.
        return try #require(value as? [[String: Any]]).filter { !$0.isEmpty }
    }

    /// What a program prints; throws with its complaint when it fails.
    @discardableResult
    static func run(_ command: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        let output = Pipe()
        let complaint = Pipe()
        process.standardOutput = output
        process.standardError = complaint
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let words = complaint.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CommandFailure(
                command: command.joined(separator: " "),
                complaint: String(decoding: words, as: UTF8.self))
        }
        return String(decoding: text, as: UTF8.self)
    }
}

struct CommandFailure: Error, CustomStringConvertible {
    let command: String
    let complaint: String

    var description: String { "\(command): \(complaint)" }
}
