import Testing

@testable import Configuration

@Suite struct KeyLocatorTests {
    /// A path in short: strings are keys, numbers are indexes.
    private func path(_ steps: [Any]) -> [TOMLStep] {
        steps.map { step in
            if let index = step as? Int { return .index(index) }
            return .key(step as? String ?? "")
        }
    }

    private func expect(
        _ text: String, _ steps: [Any], key: (Int, Int), value: (Int, Int),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let location = KeyLocator(text).location(of: path(steps))
        #expect(
            location?.key == SourcePosition(line: key.0, column: key.1), "key",
            sourceLocation: sourceLocation)
        #expect(
            location?.value == SourcePosition(line: value.0, column: value.1), "value",
            sourceLocation: sourceLocation)
    }

    @Test func `finds keys at the top, with and without spaces`() {
        expect("a=1\n  b  =  2", ["a"], key: (1, 1), value: (1, 3))
        expect("a=1\n  b  =  2", ["b"], key: (2, 3), value: (2, 9))
        expect("\n\n\ta\t=\ttrue", ["a"], key: (3, 2), value: (3, 6))
    }

    @Test func `finds keys of tables`() {
        let text = "[one] # [no]\na = 1\n[ two . 'three' ]\nb = 2\n"
        expect(text, ["one"], key: (1, 1), value: (1, 1))
        expect(text, ["one", "a"], key: (2, 1), value: (2, 5))
        expect(text, ["two", "three", "b"], key: (4, 1), value: (4, 5))
        #expect(KeyLocator(text).location(of: path(["no"])) == nil)
    }

    @Test func `counts the tables of an array`() {
        let text = """
            [[t]]
            n = 1
            [t.sub]
            s = 1
            [[t.inner]]
            i = 1
            [[t.inner]]
            i = 2
            [[t]]
            n = 2
            [[t.inner]]
            i = 3
            """
        expect(text, ["t", 0, "n"], key: (2, 1), value: (2, 5))
        expect(text, ["t", 0, "sub", "s"], key: (4, 1), value: (4, 5))
        expect(text, ["t", 0, "inner", 1, "i"], key: (8, 1), value: (8, 5))
        expect(text, ["t", 1], key: (9, 1), value: (9, 1))
        expect(text, ["t", 1, "n"], key: (10, 1), value: (10, 5))
        expect(text, ["t", 1, "inner", 0, "i"], key: (12, 1), value: (12, 5))
    }

    @Test func `finds each part of a dotted key`() {
        let text = "[[t]]\nexpect . \"style\" . 'x' = 5\nexpect.y = 6"
        expect(text, ["t", 0, "expect"], key: (2, 1), value: (2, 1))
        expect(text, ["t", 0, "expect", "style"], key: (2, 10), value: (2, 10))
        expect(text, ["t", 0, "expect", "style", "x"], key: (2, 20), value: (2, 26))
        expect(text, ["t", 0, "expect", "y"], key: (3, 8), value: (3, 12))
    }

    @Test func `understands quoted keys and their escapes`() {
        expect(#""a.b" = 1"#, ["a.b"], key: (1, 1), value: (1, 9))
        expect(#""a\"]=\u00e9\U0001F600\\" = 1"#, ["a\"]=é😀\\"], key: (1, 1), value: (1, 29))
        expect(#"'a\' = 1"#, ["a\\"], key: (1, 1), value: (1, 8))
        expect(#""" = 1"#, [""], key: (1, 1), value: (1, 6))
    }

    @Test func `is not led astray by what strings hold`() {
        let text = #"""
            a = "# no comment \" [x] = "
            b = '[[t]] \'
            c = """
            d = 1 "" \"""
            [x]""""
            e = '''
            f = 2 '' ''''' # five quotes: two of them belong to the string
            g = ["]", '}', """
            ]"""]
            h = 3
            """#
        expect(text, ["b"], key: (2, 1), value: (2, 5))
        expect(text, ["c"], key: (3, 1), value: (3, 5))
        expect(text, ["e"], key: (6, 1), value: (6, 5))
        expect(text, ["g", 2], key: (8, 16), value: (8, 16))
        expect(text, ["h"], key: (10, 1), value: (10, 5))
        for absent in ["d", "f", "x", "t"] {
            #expect(KeyLocator(text).location(of: path([absent])) == nil, "\(absent)")
        }
    }

    @Test func `finds the elements of arrays over several lines`() {
        let text = "w = [ 32, # a, b\n  64,\n  [ 1, 2 ], { k = 5 },\n]\nz = 1"
        expect(text, ["w", 0], key: (1, 7), value: (1, 7))
        expect(text, ["w", 1], key: (2, 3), value: (2, 3))
        expect(text, ["w", 2, 1], key: (3, 8), value: (3, 8))
        expect(text, ["w", 3, "k"], key: (3, 15), value: (3, 19))
        expect(text, ["z"], key: (5, 1), value: (5, 5))
    }

    @Test func `finds the keys of inline tables`() {
        let text = "t = [{ name = 'a', e.s = { x = 1 } }, { name = 'b' }]"
        expect(text, ["t", 0, "name"], key: (1, 8), value: (1, 15))
        expect(text, ["t", 0, "e", "s", "x"], key: (1, 28), value: (1, 32))
        expect(text, ["t", 1], key: (1, 39), value: (1, 39))
        expect(text, ["t", 1, "name"], key: (1, 41), value: (1, 48))
    }

    @Test func `counts columns in characters and leaves out a byte order mark`() {
        expect("é = 'ü😀' # ö\nx = [ 'äöü', 7 ]", ["x", 1], key: (2, 14), value: (2, 14))
        expect("\u{feff}a = 1", ["a"], key: (1, 1), value: (1, 5))
    }

    @Test func `takes Windows line ends`() {
        expect("[t]\r\na = 1\r\nb = 2\r\n", ["t", "b"], key: (3, 1), value: (3, 5))
    }

    @Test func `falls back to the nearest place that is known`() {
        let locator = KeyLocator("[[t]]\nn = 1\n")
        #expect(
            locator.nearestLocation(of: path(["t", 0, "absent", "more"])).key
                == SourcePosition(line: 1, column: 1))
        #expect(
            KeyLocator("").nearestLocation(of: path(["a"])).key
                == SourcePosition(line: 1, column: 1))
    }

    @Test func `objects to an escaped NUL, but not to an escaped backslash before u0000`() {
        #expect(
            KeyLocator(#"a = "x\u0000""#).objections
                == [.init(position: SourcePosition(line: 1, column: 7), problem: "a NUL character")]
        )
        #expect(KeyLocator("a = '''\\u0000'''\nb = \"\\\\u0000\"").objections.isEmpty)
        #expect(KeyLocator(#"["\U00000000"]"#).objections.count == 1)
        #expect(KeyLocator("a = \"\"\"\n\\u0000\"\"\"").objections.first?.position.line == 2)
    }

    @Test(arguments: [
        String(repeating: "a.", count: 100_000) + "a = 1",
        "[" + String(repeating: "a.", count: 100_000) + "a]",
        "a = " + String(repeating: "[", count: 100_000),
        "a = " + String(repeating: "{ b = ", count: 100_000),
    ])
    func `objects once to what is nested too deep`(text: String) {
        #expect(KeyLocator(text).objections.map(\.problem) == ["nested more than 32 levels deep"])
    }

    /// The two readers of a document must agree: where toml++ has a value, the walk has its place,
    /// and what stands there is that value.
    @Test func `finds every value that toml++ finds`() throws {
        let text = #"""
            top = 1
            "quoted key" = "s"
            date = 1979-05-27 07:32:00Z
            day = 1979-05-27
            at = 07:32:00
            [a]
            b.c.d = 2.5
            b."e f" = [ [ 1, 2 ], [ "x", 'y' ], { z = true, w.v = [ 3 ] } ]
            [a.b2]
            hex = 0xff
            text = """
            [not.a.table]
            k = 1 \""" """
            [[list]]
            [[list.deep]]
            x = nan
            [list.deep.er]
            y = -inf
            [[list]]
            name = 'last' # "'[[
            """#
        let locator = KeyLocator(text)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
        var count = 0
        func check(_ node: TOMLNode, _ path: [TOMLStep]) {
            if !path.isEmpty {
                count += 1
                guard let location = locator.location(of: path) else {
                    Issue.record("no place for \(path)")
                    return
                }
                let rest = String(lines[location.value.line - 1][(location.value.column - 1)...])
                switch node {
                case .string: #expect(rest.hasPrefix("\"") || rest.hasPrefix("'"), "\(path)")
                case .integer(let number):
                    #expect(rest.hasPrefix("\(number)") || rest.hasPrefix("0xff"), "\(path)")
                case .float: #expect("-2n".contains(rest.prefix(1)), "\(path)")
                case .boolean(let value): #expect(rest.hasPrefix("\(value)"), "\(path)")
                case .date, .dateTime: #expect(rest.hasPrefix("1979"), "\(path)")
                case .time: #expect(rest.hasPrefix("07:32"), "\(path)")
                case .array, .table: #expect("[{bc\"w".contains(rest.prefix(1)), "\(path)")
                }
            }
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
        check(try TOMLNode.document(text), [])
        #expect(count == 33)
    }
}
