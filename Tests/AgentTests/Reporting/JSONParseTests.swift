import JSONText
import Testing

@testable import Agent

@Suite struct JSONParseTests {
    private func parse(_ text: String) throws -> JSONValue { try parse(Array(text.utf8)) }

    private func parse(_ octets: [UInt8], valueLimit: Int = 1 << 20) throws -> JSONValue {
        try octets.withRawSpan { (text) throws(JSONError) in
            try JSONValue(parsing: text, valueLimit: valueLimit)
        }
    }

    private func again(_ text: String) throws -> String {
        String(decoding: try parse(text).encoded(indented: false), as: UTF8.self)
    }

    @Test(arguments: [
        "[null]", "[true,false]", "[0,-1,12.5,9223372036854775807]", "[\"a\"]", "[]", "{}",
        "[1,[2,{\"b\":null}],\"c\"]", "{\"z\":1,\"a\":[true,false],\"z\":2}",
    ])
    func `what is written is what was read, keys in order`(text: String) throws {
        #expect(try again(text) == text)
        #expect(try again(" \t\r\n\(text)\n ") == text)
    }

    private func string(_ written: String) throws -> String? {
        try parse("[\(written)]").elements?.first?.text
    }

    @Test func `escapes, surrogates and octets that are no UTF-8`() throws {
        #expect(try string(#""\"\\\/\b\f\n\r\té😀""#) == "\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1f600}")
        #expect(try string(#""\u0041\ud83d\ude00""#) == "A\u{1f600}")
        #expect(try string(#""\ud83dx""#) == "\u{fffd}x")
        #expect(try string(#""\ud83d\u0041""#) == "\u{fffd}A")
        #expect(try string(#""\ude00""#) == "\u{fffd}")
        let octets: [UInt8] = Array("[\"".utf8) + [0xff] + Array("\"]".utf8)
        #expect(try parse(octets).elements?.first?.text == "\u{fffd}")
    }

    @Test(arguments: [
        "", " ", "[", "{", "[1", "[1,", "{\"a\"", "{\"a\":", "{\"a\":1", "[\"a", "[\"\\",
        "[\"\\u12",
        "[t", "[nul", "[\"\\ud83d",
    ])
    func `a text that ends inside is truncated`(text: String) {
        #expect(throws: JSONError.truncated) { try parse(text) }
    }

    @Test(arguments: [
        ("[1,]", 3, JSONFault.unexpected), ("{,}", 1, .unexpected), ("{\"a\" 1}", 5, .unexpected),
        ("[01]", 3, .badNumber), ("[+1]", 1, .unexpected), ("[\"\n\"]", 2, .controlCharacter),
        ("[\"\\x\"]", 3, .badEscape), ("[\"\\u00g0\"]", 6, .badEscape), ("[nulL]", 4, .unexpected),
        ("[1}", 2, .unexpected), ("{1:2}", 1, .unexpected), ("]", 0, .noContainer),
        ("[1..2]", 5, .badNumber), ("['a']", 1, .unexpected), ("[NaN]", 1, .unexpected),
        ("null", 0, .noContainer),
    ])
    func `what cannot stand there is told with its place`(
        text: String, offset: Int, fault: JSONFault
    ) {
        #expect(throws: JSONError.malformed(offset: offset, fault)) { try parse(text) }
    }

    @Test func `a second document is none of the first`() {
        #expect(throws: JSONError.anotherDocument(offset: 3)) { try parse("{} []") }
    }

    @Test func `depth and number of values are bounded`() throws {
        let limit = JSONTokenizer.depthLimit
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try again(nested(limit)) == nested(limit))
        #expect(throws: JSONError.malformed(offset: limit, .tooDeep)) {
            try parse(nested(limit + 1))
        }
        #expect(throws: JSONError.tooManyValues(limit: 3)) {
            try parse(Array("[1,2,3]".utf8), valueLimit: 3)
        }
    }

    @Test func `large numbers keep their size, if not every digit`() throws {
        guard case .number(let number) = try parse("[18446744073709551616]").elements?.first else {
            Issue.record("no number")
            return
        }
        #expect(number == 0x1p64)
        #expect(try again("[1e400]") == "[null]")
    }

    @Test func `any octets end in a value or an error`() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("[]{}\",:\\u0019-.eEtrufalsn \n\u{1}".utf8) + [0xff]
        for _ in 0..<5000 {
            let octets = (0..<Int.random(in: 0...40)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            _ = try? parse(octets)
        }
    }
}
