import JSONText
import NetworkPrimitives
import Testing

@Suite struct JSONTokenizerTests {
    /// What a text is, in windows of so many octets.
    private static func read(_ text: String, windows size: Int = .max, limit: Int = 100) -> String {
        var tokenizer = JSONTokenizer(textLimit: limit)
        let octets = Array(text.utf8)
        var fed = 0
        var result = ""
        while true {
            let end = min(octets.count, fed + min(size, octets.count))
            let isFinal = end == octets.count
            tokenizer.beginWindow()
            var isInWindow = true
            while isInWindow {
                let step = Array(octets[fed..<end]).withRawSpan {
                    tokenizer.next(in: $0, isFinal: isFinal)
                }
                switch step {
                case .token(let token):
                    let text = String(decoding: tokenizer.text, as: UTF8.self)
                    switch token {
                    case .objectStart: result += "{"
                    case .objectEnd: result += "}"
                    case .arrayStart: result += "["
                    case .arrayEnd: result += "]"
                    case .key: result += "<\(text)>"
                    case .string: result += "'\(text)'" + (tokenizer.isTextCut ? "~" : "")
                    case .number: result += "#\(text)"
                    case .bool(let value): result += value ? "T" : "F"
                    case .null: result += "N"
                    }
                case .needMore: isInWindow = false
                case .end: return result + "."
                case .cut: return result + "|"
                case .fault(let fault):
                    result += "!\(fault)@\(tokenizer.line)"
                    tokenizer.skipLine()
                }
            }
            fed = end
        }
    }

    private static let texts: [(String, String)] = [
        ("", "."), (" \r\n\t", "."), ("{}", "{}."), ("[]", "[]."),
        (#"{"a":1,"b":[true,false,null,-0.5e+3]}"#, "{<a>#1<b>[TFN#-0.5e+3]}."),
        (#"{"a":"x"}{"a":"y"},{"a":"z"}"#, "{<a>'x'}{<a>'y'}{<a>'z'}."),
        (#"["\"\\\/\b\n\u0041\u00e9\u20ac\ud83d\ude00é"]"#, "['\"\\/\u{8}\nAé€😀é']."),
        (#"["\ud83dx","\ud83d\u0041","\ud83d"]"#, "['\u{fffd}x''\u{fffd}A''\u{fffd}']."),
        (#"{"a":"#, "{<a>|"), (#"["ab"#, "[|"), ("[12", "[#12|"), ("[tr", "[|"),
        ("{\"a\":1\nb}\n[1]", "{<a>#1!unexpected@2[#1]."),
        ("abc\n{}\n", "!noContainer@1{}."), ("[1,]\n[2]", "[#1!unexpected@1[#2]."),
        ("[\"a\nb\"]\n[]", "[!controlCharacter@1!noContainer@2[]."),
        (#"["\x"]"# + "\n[]", "[!badEscape@1[]."), ("[01]\n[]", "[!badNumber@1[]."),
        ("[1.]\n", "[!badNumber@1."), ("[-]\n", "[!badNumber@1."),
        ("[tru3]\n[]", "[!unexpected@1[]."),
        ("{1:2}\n[]", "{!unexpected@1[]."), ("[1}\n[]", "[#1!unexpected@1[]."),
        ("]\n[]", "!noContainer@1[]."), ("\"a\",1\n[]", "!noContainer@1[]."),
        // What a broken line left open is closed later.
        ("{\"e\":[\n{\"a\":x},\n{\"a\":1}\n]}\n[]", "{<e>[{<a>!unexpected@2{<a>#1}[]."),
        (String(repeating: "[", count: 33), String(repeating: "[", count: 32) + "!tooDeep@1."),
    ]

    @Test func `reads each piece of a text, whatever the windows`() {
        for (text, expected) in Self.texts {
            for size in [Int.max, 1, 2, 3, 7, 8, 9] {
                #expect(Self.read(text, windows: size) == expected, "\(text) by \(size)")
            }
        }
    }

    @Test func `keeps the first octets of a long text and goes on after it`() {
        let long = String(repeating: "x", count: 1000)
        let expected = "{<a>'\(long.prefix(100))'~<b>#1}."
        #expect(Self.read(#"{"a":"\#(long)","b":1}"#) == expected)
        #expect(Self.read(#"{"a":"\#(long)","b":1}"#, windows: 13) == expected)
        // No half of a character, and nothing after what did not fit.
        #expect(Self.read(#"["ab\u20acd"]"#, limit: 4) == "['ab'~].")
    }

    @Test func `finds what needs care at every place of a word of eight`() {
        for length in 0..<20 {
            let plain = String(repeating: "p", count: length)
            #expect(Self.read("[\"\(plain)\",1]") == "['\(plain)'#1].")
            #expect(Self.read("[\"\(plain)\\n\"]") == "['\(plain)\n'].")
            #expect(Self.read("[\"\(plain)\u{1}\"]") == "[!controlCharacter@1.")
            #expect(Self.read("[\"\(plain)ÿé\"]") == "['\(plain)ÿé'].")
        }
    }
}
