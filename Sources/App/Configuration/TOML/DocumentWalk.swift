/// One pass over the text of a TOML document that notes where everything starts.
///
/// It also objects to what toml++ 3.4 takes for a broken promise of its caller instead of an error of
/// the text: a header without a key and an array's element that is no value, as in `[.x]` and
/// `[1, }`. There it asserts, in release builds of TOMLKit too, and one slip in the file would end
/// the process.
///
/// All offsets are in octets from the start of the text.
struct DocumentWalk {
    /// Where each key or element starts, and where its value does.
    private(set) var locations: [[TOMLStep]: (key: Int, value: Int)] = [:]
    /// What the document may not hold, in the order of the text.
    private(set) var objections: [(offset: Int, problem: String)] = []

    private let text: [UInt8]
    private var offset = 0
    /// How many `[[header]]`s each array of tables has had so far.
    private var tableCounts: [[TOMLStep]: Int] = [:]

    init(_ text: [UInt8]) {
        self.text = text
    }

    /// Walks the whole document.
    mutating func document() {
        var table: [TOMLStep] = []
        while true {
            skipBlankLinesAndComments()
            guard let octet = current else { return }
            let start = offset
            if octet == UInt8(ascii: "[") {
                table = header()
            } else {
                keyAndValue(in: table)
            }
            skipSpaces()
            // Only a comment may follow on the line; whatever else does is a syntax error.
            skipLine()
            precondition(offset > start || current == nil, "the walk stands still")
        }
    }

    // MARK: - Tables

    /// Walks `[a.b]` or `[[a.b]]` and gives the path of the table it opens.
    private mutating func header() -> [TOMLStep] {
        let start = offset
        offset += 1
        let isElement = current == UInt8(ascii: "[")
        if isElement { offset += 1 }
        let parts = dottedKey()
        if parts.isEmpty, let octet = current, octet != UInt8(ascii: "]") {
            objections.append((offset, "TOML table header: expected a key"))
        }
        guard fits(parts.count, at: start) else { return [] }
        var path: [TOMLStep] = []
        for (index, part) in parts.enumerated() {
            path.append(.key(part.name))
            let isLast = index == parts.count - 1
            if isLast, isElement {
                let count = tableCounts[path, default: 0]
                tableCounts[path] = count + 1
                note(path, key: start, value: start)
                path.append(.index(count))
            } else if let count = tableCounts[path] {
                // A header inside an array of tables goes into its newest table.
                path.append(.index(count - 1))
            }
            note(path, key: start, value: start)
        }
        return path
    }

    /// Walks `a.b = value` and notes every part of the key.
    private mutating func keyAndValue(in table: [TOMLStep], depth: Int = 0) {
        let parts = dottedKey()
        guard let last = parts.last else { return }
        guard fits(table.count + parts.count, at: last.offset) else { return }
        var path = table
        for part in parts.dropLast() {
            path.append(.key(part.name))
            note(path, key: part.offset, value: part.offset)
        }
        path.append(.key(last.name))
        skipSpaces()
        guard take("=") else { return }
        skipSpaces()
        note(path, key: last.offset, value: offset)
        value(at: path, depth: depth)
    }

    /// Notes a place; the first one stands, like the first of several dotted keys of one table.
    private mutating func note(_ path: [TOMLStep], key: Int, value: Int) {
        if locations[path] == nil { locations[path] = (key, value) }
    }

    /// Objects once to what is nested too deep and ends the walk there.
    private mutating func fits(_ depth: Int, at offset: Int) -> Bool {
        guard depth > KeyLocator.maximumDepth else { return true }
        objections.append((offset, "nested more than \(KeyLocator.maximumDepth) levels deep"))
        self.offset = text.count
        return false
    }

    // MARK: - Keys

    /// Walks the parts of a key up to what no longer belongs to it.
    private mutating func dottedKey() -> [(name: String, offset: Int)] {
        var parts: [(name: String, offset: Int)] = []
        repeat {
            skipSpaces()
            let start = offset
            guard let name = simpleKey() else { break }
            parts.append((name, start))
            skipSpaces()
        } while take(".")
        return parts
    }

    private mutating func simpleKey() -> String? {
        let start = offset
        switch current {
        case UInt8(ascii: "\""):
            let inside = quoted(by: UInt8(ascii: "\""), escapes: true)
            return TOMLText.unescape(inside)
        case UInt8(ascii: "'"):
            let inside = quoted(by: UInt8(ascii: "'"), escapes: false)
            return String(decoding: inside, as: UTF8.self)
        default:
            while let octet = current, TOMLText.isBareKeyOctet(octet) { offset += 1 }
            return offset == start ? nil : String(decoding: text[start..<offset], as: UTF8.self)
        }
    }

    // MARK: - Values

    private mutating func value(at path: [TOMLStep], depth: Int) {
        switch current {
        case UInt8(ascii: "\""):
            string(quote: UInt8(ascii: "\""), escapes: true)
        case UInt8(ascii: "'"):
            string(quote: UInt8(ascii: "'"), escapes: false)
        case UInt8(ascii: "["):
            guard fits(depth + 1, at: offset) else { return }
            array(at: path, depth: depth + 1)
        case UInt8(ascii: "{"):
            guard fits(depth + 1, at: offset) else { return }
            inlineTable(at: path, depth: depth + 1)
        case nil:
            // The text ends, which toml++ reports.
            return
        default:
            guard let octet = current, startsScalar(octet) else {
                objections.append((offset, "TOML value: expected a value; strings stand in quotes"))
                return
            }
            // A number, a boolean or a time: up to what cannot be part of one.
            while let octet = current, !",]}#\n".utf8.contains(octet) { offset += 1 }
        }
    }

    /// Whether a number, a boolean or a time may start so; strings, arrays and tables have had their
    /// turn.
    private func startsScalar(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
            UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "i"), UInt8(ascii: "n"):
            true
        default: false
        }
    }

    private mutating func array(at path: [TOMLStep], depth: Int) {
        offset += 1
        var index = 0
        while true {
            skipBlankLinesAndComments()
            guard let octet = current else { return }
            if octet == UInt8(ascii: "]") {
                offset += 1
                return
            }
            if octet == UInt8(ascii: ",") {
                offset += 1
                continue
            }
            let start = offset
            let element = path + [.index(index)]
            note(element, key: start, value: start)
            value(at: element, depth: depth)
            index += 1
            if offset == start { offset += 1 }
        }
    }

    private mutating func inlineTable(at path: [TOMLStep], depth: Int) {
        offset += 1
        while true {
            skipBlankLinesAndComments()
            guard let octet = current else { return }
            if octet == UInt8(ascii: "}") {
                offset += 1
                return
            }
            let start = offset
            if octet != UInt8(ascii: ",") { keyAndValue(in: path, depth: depth) }
            if offset == start { offset += 1 }
        }
    }

    // MARK: - Strings

    /// Walks a string of one line or, where three quotes open it, of several.
    private mutating func string(quote: UInt8, escapes: Bool) {
        guard text[offset...].prefix(3).elementsEqual([quote, quote, quote]) else {
            _ = quoted(by: quote, escapes: escapes)
            return
        }
        offset += 3
        while let octet = current {
            if escapes, octet == UInt8(ascii: "\\") {
                escape()
            } else if text[offset...].prefix(3).elementsEqual([quote, quote, quote]) {
                offset += 3
                // > You can write a quotation mark, or two adjacent quotation marks, anywhere inside
                // a multi-line basic string: also right before the closing three.
                for _ in 0..<2 where current == quote { offset += 1 }
                return
            } else {
                offset += 1
            }
        }
    }

    /// Walks a string of one line and gives what is between its quotes, escapes as they stand.
    private mutating func quoted(by quote: UInt8, escapes: Bool) -> ArraySlice<UInt8> {
        offset += 1
        let start = offset
        while let octet = current, octet != quote, octet != UInt8(ascii: "\n") {
            if escapes, octet == UInt8(ascii: "\\") { escape() } else { offset += 1 }
        }
        let inside = text[start..<offset]
        if current == quote { offset += 1 }
        return inside
    }

    /// Walks a backslash and what it escapes; objects to an escaped NUL, which C strings cannot hold.
    private mutating func escape() {
        let rest = text[offset...]
        if rest.starts(with: "\\u0000".utf8) || rest.starts(with: "\\U00000000".utf8) {
            objections.append((offset, "a NUL character"))
        }
        offset = min(offset + 2, text.count)
    }

    // MARK: - Octets

    private var current: UInt8? { offset < text.count ? text[offset] : nil }

    /// Takes one octet if it is next.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    private mutating func skipSpaces() {
        while current == UInt8(ascii: " ") || current == UInt8(ascii: "\t") { offset += 1 }
    }

    /// Skips the rest of a line, its end included.
    private mutating func skipLine() {
        while let octet = current {
            offset += 1
            if octet == UInt8(ascii: "\n") { return }
        }
    }

    private mutating func skipBlankLinesAndComments() {
        while let octet = current {
            switch octet {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                offset += 1
            case UInt8(ascii: "#"): skipLine()
            default: return
            }
        }
    }
}
