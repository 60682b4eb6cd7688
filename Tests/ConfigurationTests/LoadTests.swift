import Glibc
import Testing

@testable import Configuration

@Suite struct LoadTests {
    /// Runs `body` with the path of a new directory that is removed afterwards.
    private func withDirectory(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/tunnel-probe-configuration-XXXXXX".utf8CString)
        let made = mkdtemp(&template)
        try #require(made != nil)
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { rmdir(path) }
        try body(path)
    }

    private func write(_ octets: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "w"))
        #expect(fwrite(octets, 1, octets.count, file) == octets.count)
        fclose(file)
    }

    private func message(_ path: String) -> String {
        do throws(ConfigurationFailure) {
            _ = try AgentConfiguration.load(path: path)
            return "loaded"
        } catch {
            return error.description
        }
    }

    @Test func `loads a file and remembers its path`() throws {
        try withDirectory { directory in
            let path = directory + "/agent.conf"
            try write(Array("[agent]\nslo = 99.9\n".utf8), to: path)
            let configuration = try AgentConfiguration.load(path: path)
            #expect(configuration.slo == 99.9)
            #expect(configuration.source == path)
            unlink(path)
        }
    }

    @Test func `says why a file cannot be read`() throws {
        try withDirectory { directory in
            #expect(
                message(directory + "/absent.conf")
                    == "\(directory)/absent.conf: cannot read: No such file or directory")
            #expect(message(directory) == "\(directory): cannot read: Is a directory")
            #expect(message("/dev/null/x") == "/dev/null/x: cannot read: Not a directory")
            #expect(message("") == ": cannot read: No such file or directory")
        }
    }

    @Test func `does not wait for a pipe and does not drain a device`() throws {
        try withDirectory { directory in
            let path = directory + "/fifo"
            try #require(mkfifo(path, 0o600) == 0)
            #expect(message(path) == "\(path): cannot read: not a regular file")
            #expect(message("/dev/zero") == "/dev/zero: cannot read: not a regular file")
            unlink(path)
        }
    }

    @Test func `refuses a file that is too large to be a configuration`() throws {
        try withDirectory { directory in
            let path = directory + "/large.conf"
            let size = AgentConfiguration.maximumFileSize.bytes
            try write([UInt8](repeating: UInt8(ascii: "\n"), count: size), to: path)
            #expect(message(path) == "loaded")
            try write([UInt8](repeating: UInt8(ascii: "\n"), count: size + 1), to: path)
            #expect(message(path) == "\(path): cannot read: larger than 4194304 octets")
            unlink(path)
        }
    }

    @Test func `shows where a file is no UTF-8`() throws {
        try withDirectory { directory in
            let path = directory + "/latin1.conf"
            try write(Array("# é\n# gr".utf8) + [0xfc] + Array("n\n".utf8), to: path)
            #expect(message(path) == "\(path):2:5: not UTF-8")
            unlink(path)
        }
    }
}
