import Testing

@testable import Configuration

@Suite struct MutationTests {
    /// The sample with one to six slips of an editor, a disk or a template engine.
    private func damaged(_ sample: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        let pieces = [
            "[", "]", "[[", "]]", "{", "}", "\"", "'", "\"\"\"", "'''", "\\", "\\u0000",
            "\\U0010ffff", "=", ".", ",", "#", "\n", "\r", "\0", "\u{feff}", "\u{301}",
            "1979-05-27", "nan", "-inf", "0x", "[[tunnel]]\n", "[tunnel]\n", "[agent]\n", "expect.",
            "9223372036854775808", "x = { y = [ {}, [ 1, { z.w = 2 } ] ] }\n", "[tunnel.new]\n",
            "[[tunnel.list]]\n", "'a.b'.\"c d\" = 1\n", "t = \"\"\"\n[no]\n\\\"\"\"\"\"\"\n",
        ].map { Array($0.utf8) }
        var octets = sample
        for _ in 0..<Int.random(in: 1...6, using: &random) where !octets.isEmpty {
            let start = Int.random(in: 0..<octets.count, using: &random)
            let end = min(octets.count, start + Int.random(in: 0...40, using: &random))
            switch Int.random(in: 0..<7, using: &random) {
            case 0: octets[start] = .random(in: 0 ... .max, using: &random)
            case 1: octets.removeSubrange(start..<end)
            case 2: octets.insert(contentsOf: octets[start..<end], at: start)
            case 3:
                octets.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: start)
            case 4: octets.removeSubrange(max(start, 1)...)
            case 5:
                let other = Int.random(in: 0..<octets.count, using: &random)
                octets.swapAt(start, other)
            default:
                // A whole line more, which most often leaves the document one.
                let line = octets[start...].firstIndex(of: UInt8(ascii: "\n")) ?? octets.count
                octets.insert(
                    contentsOf: [UInt8(ascii: "\n")] + (pieces.randomElement(using: &random) ?? []),
                    at: line)
            }
        }
        return octets
    }

    @Test func `two thousand damaged samples are read or refused, and none traps`() throws {
        let sample = Array(try Sample.withTunnel().utf8)
        var random = SeededGenerator(seed: 2026)
        var refused = 0
        for round in 0..<2000 {
            let octets = damaged(sample, &random)
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

    @Test func `wherever toml++ still finds a value, its place is found too`() throws {
        let sample = Array(try Sample.withTunnel().utf8)
        var random = SeededGenerator(seed: 1979)
        var documents = 0
        for round in 0..<2000 {
            let octets = damaged(sample, &random)
            guard !octets.contains(0), let text = String(validating: octets, as: UTF8.self) else {
                continue
            }
            let locator = KeyLocator(text)
            guard locator.objections.isEmpty else { continue }
            guard let document = try? TOMLNode.document(text) else { continue }
            documents += 1
            func check(_ node: TOMLNode, _ path: [TOMLStep]) {
                #expect(
                    path.isEmpty || locator.location(of: path) != nil,
                    "round \(round): \(path)\n\(text)")
                switch node {
                case .table(let entries):
                    for entry in entries { check(entry.value, path + [.key(entry.key)]) }
                case .array(let elements):
                    for (index, element) in elements.enumerated() {
                        check(element, path + [.index(index)])
                    }
                default: break
                }
            }
            check(document, [])
        }
        #expect(documents > 200, "\(documents) documents")
    }

    /// Short runs of what TOML is made of reach corners that a long sample hides.
    @Test func `no run of tokens ends the process`() {
        let ascii = (0x1...0x7f).map { String(UnicodeScalar($0)) }
        let words = [
            "a", "b.c", "\"k\"", "'k'", "=", " = ", "[", "]", "[[", "]]", "{", "}", ",", ".", "#",
            "\n",
            "\r\n", "\t", "\"\"\"", "'''", "\\u00e9", "\\U0001F600", "\\x41", "\\", "true", "fals",
            "inf", "-nan", "0x1f", "0b1", "0o7", "1_0", "1e5", "1.", "-", "+",
            "99999999999999999999",
            "1979-05-27", "1979-05-27T07:32:00", "1979-05-27 07:32:00.5+01:00", "07:32", "Z",
            "\u{a0}", "\u{2028}", "\u{feff}", "\u{301}", "é", "\u{10ffff}", "a=1\n", "[a]\n",
            "[[a]]\n",
            "a.b=1\n", "a={b=1}\n", "a=[1,2]\n",
        ]
        var random = SeededGenerator(seed: 34)
        var accepted = 0
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let source = Int.random(in: 0..<8, using: &random) == 0 ? ascii : words
                text += source.randomElement(using: &random) ?? ""
            }
            do throws(ConfigurationFailure) {
                _ = try AgentConfiguration.parse(text, file: "f")
                accepted += 1
            } catch {
                // Documents, whose keys are unknown, are the point; pure garbage would prove little.
                if error.diagnostics.contains(where: { $0.key != nil }) { accepted += 1 }
            }
        }
        #expect(accepted > 500, "\(accepted) documents")
    }
}
