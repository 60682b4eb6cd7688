import Testing

@testable import Configuration

@Suite struct MutationTests {
    /// Whatever an editor, a disk or a template engine does to the file: an answer, never a trap.
    @Test func `two thousand damaged samples are read or refused, and none traps`() throws {
        let sample = Array(try Sample.withTunnel().utf8)
        let pieces = [
            "[", "]", "[[", "]]", "{", "}", "\"", "'", "\"\"\"", "'''", "\\", "\\u0000",
            "\\U0010ffff",
            "=", ".", ",", "#", "\n", "\r", "\0", "\u{feff}", "\u{301}", "1979-05-27", "nan",
            "-inf",
            "0x", "[[tunnel]]\n", "[tunnel]\n", "[agent]\n", "expect.", "9223372036854775808",
        ].map { Array($0.utf8) }
        var random = SeededGenerator(seed: 2026)
        var refused = 0
        for round in 0..<2000 {
            var octets = sample
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let start = Int.random(in: 0..<octets.count, using: &random)
                let end = min(octets.count, start + Int.random(in: 0...40, using: &random))
                switch Int.random(in: 0..<6, using: &random) {
                case 0: octets[start] = .random(in: 0 ... .max, using: &random)
                case 1: octets.removeSubrange(start..<end)
                case 2: octets.insert(contentsOf: octets[start..<end], at: start)
                case 3:
                    octets.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: start)
                case 4: octets.removeSubrange(max(start, 1)...)
                default:
                    let other = Int.random(in: 0..<octets.count, using: &random)
                    octets.swapAt(start, other)
                }
            }
            do throws(ConfigurationFailure) {
                _ = try AgentConfiguration.parse(octets, file: "f")
            } catch {
                refused += 1
                let lines = octets.count { $0 == UInt8(ascii: "\n") } + 1
                for diagnostic in error.diagnostics {
                    // A position is in the file, and a message is one line of printable text.
                    let line = try #require(diagnostic.line, "round \(round)")
                    #expect((1...lines).contains(line), "round \(round): \(diagnostic)")
                    #expect((diagnostic.column ?? 0) >= 1, "round \(round): \(diagnostic)")
                    let isPrintable = diagnostic.description.unicodeScalars.allSatisfy {
                        $0.value >= 0x20 && $0.value != 0x7f
                    }
                    #expect(isPrintable, "round \(round): \(diagnostic)")
                }
            }
        }
        // Most damage shows; some falls into a comment.
        #expect((1000..<2000).contains(refused), "\(refused) refused")
    }
}
