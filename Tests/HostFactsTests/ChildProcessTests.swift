import Glibc
import Testing

@testable import HostFacts

@Suite struct ChildProcessTests {
    private func shell(
        _ script: String, timeout: Duration = .seconds(20), limit: Int = 1 << 20
    ) throws -> ChildProcess.Output {
        try ChildProcess.run(["/bin/sh"], ["-c", script], timeout: timeout, limit: limit)
    }

    @Test func `output, complaint and status are the program's`() throws {
        let output = try shell("echo out; echo wrong >&2; exit 3")
        #expect(output.octets == Array("out\n".utf8))
        #expect(output.complaint == "wrong\n")
        #expect(output.status == 3)
        #expect(try shell("kill -9 $$").status == nil)
    }

    @Test func `it inherits no descriptor, no input and no environment`() throws {
        // Not even one that lacks O_CLOEXEC.
        let leak = open("/etc/hostname", O_RDONLY)
        defer { close(leak) }
        let numbers = try shell("ls /proc/self/fd; cat; env | sort")
        let lines = String(decoding: numbers.octets, as: UTF8.self).split(separator: "\n")
        // 3 is the folder that ls reads.
        #expect(lines.prefix(4) == ["0", "1", "2", "3"])
        #expect(!lines.contains("\(max(leak, 4))"))
        #expect(lines.contains("LC_ALL=C"))
        #expect(!lines.contains { $0.hasPrefix("HOME=") })
    }

    @Test func `what takes too long is ended with all it started`() throws {
        let clock = ContinuousClock()
        let start = clock.now
        #expect(throws: ChildProcess.Failure.timedOut(.milliseconds(200))) {
            try shell("sleep 30 & sleep 30", timeout: .milliseconds(200))
        }
        #expect(clock.now - start < .seconds(10))
    }

    @Test func `what prints too much is ended`() {
        #expect(throws: ChildProcess.Failure.tooLong(limit: 1000)) {
            try shell("yes", limit: 1000)
        }
    }

    @Test func `complaints are cut and do not stop the program`() throws {
        let output = try shell("yes | head -c 300000 >&2; echo done")
        #expect(output.octets == Array("done\n".utf8))
        #expect(output.complaint.utf8.count == 4096)
    }

    @Test func `a program that is not there is said to be missing`() {
        #expect(throws: ChildProcess.Failure.notInstalled("/nonexistent/nft")) {
            try ChildProcess.run(["/nonexistent/nft"], [], timeout: .seconds(1), limit: 1)
        }
    }

    @Test func `large output is read whole`() throws {
        #expect(try shell("yes | head -c 500000").octets.count == 500_000)
    }
}
