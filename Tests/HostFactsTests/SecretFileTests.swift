import Foundation
import Testing

@testable import HostFacts

@Suite struct SecretFileTests {
    /// Writes a file of this mode, and reads it as a secret of 4 to 8 octets.
    private func read(_ text: String, mode: Int = 0o600) throws -> Result<
        [UInt8], SecretFile.Failure
    > {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("secret-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return Result { () throws(SecretFile.Failure) in
            try SecretFile.read(path, byteCounts: 4...8) { span in
                (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
            }
        }
    }

    @Test func `a secret is read without the line end, and without more than one`() throws {
        #expect(try read("secret").get() == Array("secret".utf8))
        #expect(try read("secret\n").get() == Array("secret".utf8))
        #expect(try read("secret\n\n").get() == Array("secret\n".utf8))
        #expect(try read("12345678\n").get() == Array("12345678".utf8))
        #expect(try read("secret", mode: 0o400).get() == Array("secret".utf8))
    }

    @Test func `what group or others may use is refused, with what to type`() throws {
        for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o666] {
            guard case .failure(let failure) = try read("secret", mode: mode) else {
                Issue.record("mode \(String(mode, radix: 8)) was taken")
                continue
            }
            #expect(failure.description.contains("mode 0\(String(mode, radix: 8))"))
            #expect(failure.description.contains("chmod 600"))
            #expect(!failure.description.contains("secret\n"))
        }
    }

    @Test func `too short and too long are told apart`() throws {
        guard case .failure(.tooShort(_, minimum: 4)) = try read("123\n") else {
            Issue.record("3 octets were taken")
            return
        }
        for text in ["123456789", "123456789\n", String(repeating: "x", count: 100)] {
            guard case .failure(.file(let error)) = try read(text) else {
                Issue.record("\(text.utf8.count) octets were taken")
                continue
            }
            #expect(error.reason == .tooLarge(limit: 8))
        }
    }

    @Test func `a missing file, a directory and a pipe are no secrets`() {
        for path in ["/nonexistent/key", "/tmp", "/dev/null", "a\0b"] {
            #expect(throws: SecretFile.Failure.self) {
                try SecretFile.read(path, byteCounts: 1...8) { _ in }
            }
        }
    }
}
