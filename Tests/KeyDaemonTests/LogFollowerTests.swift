import Foundation
import NetworkPrimitives
import Testing

@testable import KeyDaemon

/// Following files as daemons and logrotate treat them.
@Suite struct LogFileTailTests {
    private let folder: URL
    private var path: String { folder.appendingPathComponent("charon.log").path }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "log-follower-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func append(_ text: String) throws {
        if !FileManager.default.fileExists(atPath: path) {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            return
        }
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }

    @Test func `lines come once, old ones marked, the unfinished one when it is finished`() throws {
        defer { remove() }
        try append("one\ntwo\nthr")
        let follower = LogFollower(.file(path))
        #expect(
            follower.poll() == [
                LogFollower.Line(text: "one", isOld: true),
                LogFollower.Line(text: "two", isOld: true),
            ])
        #expect(follower.poll() == [])
        try append("ee\nfour\n")
        #expect(follower.poll().map(\.text) == ["three", "four"])
        #expect(follower.poll() == [])
        #expect(follower.reason == nil)
    }

    @Test func `a rotated file is read to its end, and the new one from its start`() throws {
        defer { remove() }
        try append("one\n")
        let follower = LogFollower(.file(path))
        _ = follower.poll()
        try append("last\n")
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        try append("first\n")
        #expect(follower.poll() == [LogFollower.Line(text: "last")])
        #expect(follower.poll() == [LogFollower.Line(text: "first")])
    }

    @Test func `a truncated file is read from its start`() throws {
        defer { remove() }
        try append("a long line of before\n")
        let follower = LogFollower(.file(path))
        _ = follower.poll()
        try Data("new\n".utf8).write(to: URL(fileURLWithPath: path), options: [])
        #expect(follower.poll().map(\.text) == ["new"])
    }

    @Test func `a file that comes later is followed then, and until then there is a reason`() throws
    {
        defer { remove() }
        let follower = LogFollower(.file(path))
        #expect(follower.poll() == [])
        #expect(follower.reason?.contains(path) == true)
        try append("here\n")
        #expect(follower.poll().map(\.text) == ["here"])
        #expect(follower.reason == nil)
    }

    @Test func `a directory is no log`() {
        defer { remove() }
        let follower = LogFollower(.file(folder.path))
        #expect(follower.poll() == [])
        #expect(follower.reason?.contains("no file") == true)
    }

    @Test func `endless lines and a flood are bounded, and what was passed over is counted`() throws
    {
        defer { remove() }
        let follower = LogFollower(.file(path))
        try append("start\n")
        _ = follower.poll()
        try append(String(repeating: "x", count: 9000) + "\nshort\n")
        let lines = follower.poll()
        #expect(lines.map(\.text.utf8.count) == [4096, 5])
        let line = String(repeating: "y", count: 99) + "\n"
        try append(String(repeating: line, count: 30_000))
        var count = 0
        while case let more = follower.poll(), !more.isEmpty {
            #expect(more.allSatisfy { $0.text.utf8.count == 99 })
            count += more.count
        }
        #expect(count > 10_000)
        #expect(count < 10_500)
        #expect(follower.skippedOctets == 3_000_000 - 1 << 20)
    }

    private func remove() {
        do {
            try FileManager.default.removeItem(at: folder)
        } catch {
            Issue.record("\(folder.path) is left: \(error)")
        }
    }
}

/// What journalctl prints.
@Suite struct JournalTailTests {
    @Test func `lines, their times, and the cursor`() {
        var tail = JournalTail()
        let first = tail.take(
            """
            1732310000.123456 gw charon[812]: 05[IKE] received AUTHENTICATION_FAILED notify error
            1732310001.000000 gw pluto[9]: "cf" #1: initiating IKEv2 connection
            a continuation
            -- cursor: s=1;i=2

            """)
        #expect(
            first == [
                LogFollower.Line(
                    text: "05[IKE] received AUTHENTICATION_FAILED notify error",
                    writtenAt: WallTime(nanoseconds: 1_732_310_000_123_456_000), isOld: true),
                LogFollower.Line(
                    text: "\"cf\" #1: initiating IKEv2 connection",
                    writtenAt: WallTime(nanoseconds: 1_732_310_001_000_000_000), isOld: true),
            ])
        let second = tail.take("1732310002.000000 gw charon[812]: 06[IKE] more\n")
        #expect(second.map(\.isOld) == [false])
        #expect(tail.take("") == [])
    }
}
