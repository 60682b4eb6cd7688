import NetworkPrimitives

/// Reads JSON texts, one after another, window by window: RFC 8259.
///
/// Memory does not grow with the text: of a string or a number `textLimit` octets are kept, and the
/// rest is read over. Between texts, line ends and commas are passed over, so newline-delimited JSON
/// and lists of it are read alike.
///
/// ```swift
/// while true {
///     switch tokenizer.next(in: window, isFinal: isFinal) {
///     case .token(let token): use(token, tokenizer.text)
///     case .needMore: window = refill(); tokenizer.beginWindow()
///     case .fault: tokenizer.skipLine()
///     case .end, .cut: return
///     }
/// }
/// ```
public struct JSONTokenizer: Sendable {
    /// The most arrays and objects inside each other.
    public static let depthLimit = 32

    /// The octets of the last key, string or number, without escapes; its first `textLimit`.
    public private(set) var text: [UInt8] = []
    /// Whether `text` lacks its end.
    public private(set) var isTextCut = false
    /// The line that is being read, from 1.
    public private(set) var line: UInt64 = 1
    /// How many arrays and objects are open.
    public private(set) var depth = 0
    /// Octets of the window that were read.
    public private(set) var position = 0

    /// What may come next.
    private enum Expectation: UInt8 {
        case text, value, valueOrEnd, keyOrEnd, key, colon, commaOrEnd
    }

    /// What is being read when a window ends.
    private enum Lexeme: UInt8 {
        case none, string, number, literal, skippedLine
    }

    private var expectation = Expectation.text
    private var lexeme = Lexeme.none
    private var isKey = false
    private var escape = EscapeSequence()
    private var literal = Literal.null
    private var literalMatched = 0
    /// One bit a level, the innermost lowest: 1 for an object.
    private var containers: UInt64 = 0
    /// Closing brackets that belong to what was left at a fault.
    private var owedEnds = 0
    private let textLimit: Int

    /// Makes a tokenizer at the start of a text.
    ///
    /// - Parameter textLimit: how many octets of a string are kept.
    public init(textLimit: Int) {
        precondition(textLimit > 0)
        self.textLimit = textLimit
        text.reserveCapacity(min(textLimit, 4096))
    }

    /// Begins a new window, which goes on where the last one ended.
    public mutating func beginWindow() { position = 0 }

    /// Passes over the octets of the window before `position`: a byte order mark, say.
    public mutating func skip(to position: Int) { self.position = position }

    /// Goes on after the end of this line, outside of all arrays and objects.
    public mutating func skipLine() {
        owedEnds = min(owedEnds + depth, Self.depthLimit)
        (depth, containers) = (0, 0)
        expectation = .text
        lexeme = .skippedLine
    }

    /// The next piece.
    ///
    /// - Parameters:
    ///   - window: the same octets at each call until `beginWindow`.
    ///   - isFinal: whether no window follows.
    /// - Returns: the piece, or why there is none.
    public mutating func next(in window: RawSpan, isFinal: Bool) -> JSONStep {
        while true {
            let step: JSONStep? =
                switch lexeme {
                case .none: punctuation(in: window)
                case .string: string(in: window)
                case .number: number(in: window, isFinal: isFinal)
                case .literal: literal(in: window)
                case .skippedLine: skippedLine(in: window)
                }
            if let step { return step }
            guard position >= window.byteCount else { continue }
            guard isFinal else { return .needMore }
            if lexeme == .number { continue }
            let isWhole = depth == 0 && (lexeme == .none || lexeme == .skippedLine)
            return isWhole ? .end : .cut
        }
    }

    // MARK: - Punctuation

    private mutating func punctuation(in window: RawSpan) -> JSONStep? {
        while position < window.byteCount {
            let octet = window.uint8(at: position)
            switch octet {
            case UInt8(ascii: "\n"):
                line += 1
                position += 1
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
                position += 1
            default:
                return significant(octet)
            }
        }
        return nil
    }

    private mutating func significant(_ octet: UInt8) -> JSONStep? {
        switch (expectation, octet) {
        case (.text, UInt8(ascii: ",")):
            position += 1
            return nil
        case (.text, UInt8(ascii: "}")), (.text, UInt8(ascii: "]")):
            guard owedEnds > 0 else { return .fault(.noContainer) }
            owedEnds -= 1
            position += 1
            return nil
        case (.text, UInt8(ascii: "{")), (.text, UInt8(ascii: "[")):
            return open(octet)
        case (.text, _):
            return .fault(.noContainer)
        case (.keyOrEnd, UInt8(ascii: "}")), (.valueOrEnd, UInt8(ascii: "]")):
            return close(octet)
        case (.keyOrEnd, UInt8(ascii: "\"")), (.key, UInt8(ascii: "\"")):
            beginString(isKey: true)
            return nil
        case (.colon, UInt8(ascii: ":")):
            position += 1
            expectation = .value
            return nil
        case (.commaOrEnd, UInt8(ascii: ",")):
            position += 1
            expectation = containers & 1 == 1 ? .key : .value
            return nil
        case (.commaOrEnd, UInt8(ascii: "}")), (.commaOrEnd, UInt8(ascii: "]")):
            return close(octet)
        case (.value, _), (.valueOrEnd, _):
            return value(octet)
        default:
            return .fault(.unexpected)
        }
    }

    private mutating func value(_ octet: UInt8) -> JSONStep? {
        switch octet {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            return open(octet)
        case UInt8(ascii: "\""):
            beginString(isKey: false)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            beginText()
            lexeme = .number
        default:
            guard let literal = Literal(first: octet) else { return .fault(.unexpected) }
            self.literal = literal
            literalMatched = 0
            lexeme = .literal
        }
        return nil
    }

    private mutating func open(_ octet: UInt8) -> JSONStep {
        guard depth < Self.depthLimit else { return .fault(.tooDeep) }
        position += 1
        depth += 1
        let isObject = octet == UInt8(ascii: "{")
        containers = containers << 1 | (isObject ? 1 : 0)
        expectation = isObject ? .keyOrEnd : .valueOrEnd
        return .token(isObject ? .objectStart : .arrayStart)
    }

    private mutating func close(_ octet: UInt8) -> JSONStep {
        let isObject = octet == UInt8(ascii: "}")
        guard (containers & 1 == 1) == isObject else { return .fault(.unexpected) }
        position += 1
        depth -= 1
        containers >>= 1
        expectation = depth == 0 ? .text : .commaOrEnd
        return .token(isObject ? .objectEnd : .arrayEnd)
    }

    // MARK: - Strings

    private mutating func beginText() {
        text.removeAll(keepingCapacity: true)
        isTextCut = false
    }

    private mutating func beginString(isKey: Bool) {
        beginText()
        position += 1
        self.isKey = isKey
        escape = EscapeSequence()
        lexeme = .string
    }

    private mutating func string(in window: RawSpan) -> JSONStep? {
        while position < window.byteCount {
            if escape.isOpen {
                guard escape.take(window.uint8(at: position)) else { return .fault(.badEscape) }
                position += 1
                keep(escape.takeOctets())
                continue
            }
            let start = position
            position = window.endOfPlainText(from: start)
            if position > start {
                keep(escape.takeUnpaired())
                keep(window.extracting(start..<position))
            }
            guard position < window.byteCount else { return nil }
            switch window.uint8(at: position) {
            case UInt8(ascii: "\\"):
                position += 1
                escape.begin()
            case UInt8(ascii: "\""):
                position += 1
                keep(escape.takeUnpaired())
                lexeme = .none
                expectation = isKey ? .colon : .commaOrEnd
                return .token(isKey ? .key : .string)
            default:
                return .fault(.controlCharacter)
            }
        }
        return nil
    }

    private mutating func keep(_ octets: RawSpan) {
        guard !isTextCut else { return }
        let room = textLimit - text.count
        if octets.byteCount > room { isTextCut = true }
        text.append(octets.extracting(first: room))
    }

    private mutating func keep(_ octets: [UInt8]) {
        guard !octets.isEmpty else { return }
        // No part of a character: half of one would be another.
        guard !isTextCut, text.count + octets.count <= textLimit else {
            isTextCut = true
            return
        }
        text += octets
    }

    // MARK: - Numbers and literals

    private mutating func number(in window: RawSpan, isFinal: Bool) -> JSONStep? {
        let start = position
        while position < window.byteCount, NumberText.mayHold(window.uint8(at: position)) {
            position += 1
        }
        keep(window.extracting(start..<position))
        guard position < window.byteCount || isFinal else { return nil }
        guard isTextCut || NumberText.isNumber(text) else { return .fault(.badNumber) }
        lexeme = .none
        expectation = .commaOrEnd
        return .token(.number)
    }

    private mutating func literal(in window: RawSpan) -> JSONStep? {
        let wanted = literal.octets
        while position < window.byteCount, literalMatched < wanted.count {
            guard window.uint8(at: position) == wanted[literalMatched] else {
                return .fault(.unexpected)
            }
            literalMatched += 1
            position += 1
        }
        guard literalMatched == wanted.count else { return nil }
        lexeme = .none
        expectation = .commaOrEnd
        return .token(literal.token)
    }

    private mutating func skippedLine(in window: RawSpan) -> JSONStep? {
        while position < window.byteCount {
            let octet = window.uint8(at: position)
            guard octet != UInt8(ascii: "\n") else {
                lexeme = .none
                return nil
            }
            position += 1
        }
        return nil
    }
}

extension RawSpan {
    /// Where a quote, a backslash or a control character stands at or after `start`, or the end.
    fileprivate func endOfPlainText(from start: Int) -> Int {
        var offset = start
        // Eight at a time: a bit stands where an octet is one of the three.
        while offset + 8 <= byteCount {
            let word = bigEndianUInt64(at: offset)
            let quotes = word ^ 0x2222_2222_2222_2222
            let backslashes = word ^ 0x5c5c_5c5c_5c5c_5c5c
            let ones: UInt64 = 0x0101_0101_0101_0101
            let found =
                ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)
                | ((word &- 0x2020_2020_2020_2020) & ~word)
            guard found & 0x8080_8080_8080_8080 == 0 else { break }
            offset += 8
        }
        while offset < byteCount {
            let octet = uint8(at: offset)
            if octet < 0x20 || octet == UInt8(ascii: "\"") || octet == UInt8(ascii: "\\") { break }
            offset += 1
        }
        return offset
    }
}
