import CLinux
import Glibc
import Testing

@testable import HostFacts

@Suite struct HostTests {
    @Test func `the name is the kernel's`() throws {
        let octets = try SmallFile.read("/proc/sys/kernel/hostname", limit: 4096)
        let name = String(decoding: octets.dropLast(), as: UTF8.self)
        #expect(Host.name == name)
    }
}

@Suite struct CoreDumpsTests {
    @Test func `both ways to a core dump are closed`() async {
        // In a process of its own, since there is no way back.
        await #expect(processExitsWith: .success) {
            try CoreDumps.disable()
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
            #expect(limit.rlim_cur == 0)
            #expect(limit.rlim_max == 0)
            #expect(clinux_dumpable() == 0)
            // What the agent reads of itself stays readable.
            #expect(try OpenDescriptors.listed() > 0)
            _ = try Capabilities.current()
            _ = try ProcessStatistics.current().cpuSeconds.get()
        }
    }
}

@Suite struct SmallFileTests {
    @Test func `reads a file whose size the kernel does not know`() throws {
        let text = String(
            decoding: try SmallFile.read("/proc/self/status", limit: 1 << 16), as: UTF8.self)
        #expect(text.hasPrefix("Name:\t"))
        #expect(text.hasSuffix("\n"))
    }

    @Test func `reads to the limit and not beyond`() throws {
        let size = try SmallFile.read("/proc/self/status", limit: 1 << 16).count
        let short = #expect(throws: FileError.self) {
            try SmallFile.read("/proc/version", limit: 5)
        }
        #expect(short?.description == "read /proc/version: larger than 5 octets")
        #expect(size > 5)
    }

    @Test(arguments: [
        ("/nonexistent", "open /nonexistent: No such file or directory"),
        ("/proc", "read /proc: Is a directory"),
        ("/dev/zero", "read /dev/zero: not a regular file"),
        ("/proc/self/st\0atus", "open /proc/self/st\0atus: Invalid argument"),
    ])
    func `says what failed, where and why`(path: String, message: String) {
        let error = #expect(throws: FileError.self) { try SmallFile.read(path, limit: 100) }
        #expect(error?.description == message)
    }
}
