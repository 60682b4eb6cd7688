// toml++ knows where a key is, TOMLKit does not pass it on. So the text is walked a second time,
// for the places only. The walk takes any text without a trap and always moves on; what it finds in
// a text that is no TOML document means nothing, but such a text has been refused already.

/// One step from a value of a TOML document into it.
enum TOMLStep: Hashable {
    /// Into a table.
    case key(String)
    /// Into an array, from 0.
    case index(Int)
}

/// Where the keys and values of a TOML document stand in its text.
struct KeyLocator {
    /// Where a key and its value start.
    struct Location: Equatable {
        /// The key, or the `[` of a table header; the value itself where it is an array's element.
        let key: SourcePosition
        /// The value; the key where the value is a table of its own lines.
        let value: SourcePosition
    }

    /// Something that the document may not hold though TOML allows it.
    struct Objection: Equatable {
        let position: SourcePosition
        let problem: String
    }

    /// How many tables and arrays may stand inside each other, far above what any key needs.
    ///
    /// toml++ recurses once a level and sets no limit of its own for dotted keys.
    static let maximumDepth = 32

    /// What the document may not hold, in the order of the text.
    private(set) var objections: [Objection] = []
    private var locations: [[TOMLStep]: (key: Int, value: Int)] = [:]
    /// Octet offsets of the starts of the lines, ascending, the first line included.
    private let lineStarts: [Int]
    private let text: [UInt8]

    /// Walks a document.
    init(_ document: String) {
        var text = Array(document.utf8)
        // A byte order mark is no column.
        if text.starts(with: [0xef, 0xbb, 0xbf]) { text.removeFirst(3) }
        self.text = text
        lineStarts = [0] + text.indices.filter { text[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
        var walk = DocumentWalk(text)
        walk.document()
        locations = walk.locations
        objections = walk.objections.map {
            Objection(position: position($0.offset), problem: $0.problem)
        }
    }

    /// Where the value that `path` leads to stands; nil when it leads nowhere.
    func location(of path: [TOMLStep]) -> Location? {
        locations[path].map { Location(key: position($0.key), value: position($0.value)) }
    }

    /// Where the longest known start of `path` stands; the first column of the text at worst.
    func nearestLocation(of path: [TOMLStep]) -> Location {
        var path = path
        while true {
            if let location = location(of: path) { return location }
            guard path.popLast() != nil else {
                let start = SourcePosition(line: 1, column: 1)
                return Location(key: start, value: start)
            }
        }
    }

    /// The line and column of an octet.
    private func position(_ offset: Int) -> SourcePosition {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        // Every octet but the continuations of UTF-8 starts a scalar.
        let scalars = text[lineStarts[low]..<offset].count { $0 & 0xc0 != 0x80 }
        return SourcePosition(line: low + 1, column: scalars + 1)
    }
}
