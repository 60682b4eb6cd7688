import Diagnosis

/// The finding catalogue: what `probe explain` prints.
public struct Catalogue: Sendable {
    private let entries: [CatalogueEntry]

    /// The catalogue's entries of some ids.
    ///
    /// - Parameter ids: names of findings; none for all.
    /// - Throws: `Unknown` for a name that is not in the catalogue.
    public init(_ ids: [String]) throws(Unknown) {
        guard !ids.isEmpty else {
            entries = FindingID.allCases.compactMap(RuleTable.entry)
            return
        }
        var found: [CatalogueEntry] = []
        for name in ids {
            guard let id = FindingID(rawValue: name), let entry = RuleTable.entry(of: id) else {
                throw Unknown(name: name, nearest: Self.nearest(to: name))
            }
            found.append(entry)
        }
        entries = found
    }

    /// A name that the catalogue does not have.
    public struct Unknown: Error, Equatable, CustomStringConvertible {
        /// What was asked for.
        public var name: String
        /// Names that are like it, the most alike first.
        public var nearest: [String]

        /// What is wrong, and what may have been meant.
        public var description: String {
            let hint =
                nearest.isEmpty
                ? "'probe explain' lists them all"
                : "did you mean \(nearest.joined(separator: ", "))?"
            return "there is no finding '\(name)'; \(hint)"
        }
    }

    /// Ids that share words with a name.
    private static func nearest(to name: String) -> [String] {
        let words = Set(name.lowercased().split { !$0.isLetter && !$0.isNumber })
        let scored = FindingID.allCases.map { id in
            (id.rawValue, Set(id.rawValue.split(separator: "-")).intersection(words).count)
        }
        let best = scored.map(\.1).max() ?? 0
        return best == 0 ? [] : scored.filter { $0.1 == best }.map(\.0).prefix(4).map { $0 }
    }

    /// The list: an id, its severities and what it says.
    ///
    /// - Parameters:
    ///   - isColored: whether colours are welcome.
    ///   - columns: of the terminal; in a narrow one the texts stand below their ids.
    /// - Returns: the text, ended by a newline.
    public func list(isColored: Bool, columns: Int) -> String {
        let palette = TextPalette(isColored: isColored)
        let layout = TextLayout(palette: palette, glyphs: .ascii, columns: max(columns, 60))
        let idWidth = (entries.map(\.id.rawValue.count).max() ?? 0) + 2
        let isWide = columns >= 120
        let start = isWide ? idWidth + 22 : 4
        var lines: [String] = []
        for entry in entries {
            let gap = String(repeating: " ", count: idWidth - entry.id.rawValue.count)
            let head = TextTable.Cell(
                parts: [(entry.id.rawValue, .strong), (gap, .plain)]
                    + Self.severities(entry.id).parts)
            let text = [(text: Self.firstSentence(entry.meaning), style: TextStyle.plain)]
            if isWide {
                lines += layout.hanging(head, text, from: start)
            } else {
                lines += TextBlock(lines: [head]).lines(palette)
                lines += layout.hanging(TextTable.Cell(""), text, from: start)
            }
        }
        lines += [
            "", palette.paint("probe explain ID says what it rests on and what to do.", .faint),
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    /// The entries in full.
    public func text(isColored: Bool, columns: Int) -> String {
        let palette = TextPalette(isColored: isColored)
        let layout = TextLayout(palette: palette, glyphs: .ascii, columns: max(columns, 60))
        let blocks = entries.map { entry -> String in
            var lines = [
                TextBlock(
                    lines: [
                        TextTable.Cell(
                            parts: [(entry.id.rawValue, .strong), ("  ", .plain)]
                                + Self.severities(entry.id).parts)
                    ]
                ).lines(palette)[0]
            ]
            func add(_ name: String, _ texts: [String]) {
                for (index, text) in texts.enumerated() {
                    lines += layout.hanging(
                        TextTable.Cell(
                            parts: [("  ", .plain), (index == 0 ? name : "", .faint)]),
                        [(text, .plain)], from: 12)
                }
            }
            add("means", [entry.meaning])
            add("rests on", entry.evidence)
            add("do", entry.remedy)
            add("is not", entry.notToConfuse)
            add("guide", [entry.guide ?? "beyond the guide"])
            return lines.joined(separator: "\n")
        }
        return blocks.joined(separator: "\n\n") + "\n"
    }

    /// The document `tunnelprobe.catalogue/1`.
    public var json: [UInt8] {
        var document = JSONObject()
        document.put("schema", "tunnelprobe.catalogue/1")
        document.put(
            "findings",
            .array(
                entries.map { entry in
                    var object = JSONObject()
                    object.put("id", entry.id.rawValue)
                    object.put(
                        "severities", .array(entry.id.severities.map { .string($0.rawValue) }))
                    object.put("meaning", entry.meaning)
                    object.put("evidence", .array(entry.evidence.map(JSONValue.string)))
                    object.put("remedy", .array(entry.remedy.map(JSONValue.string)))
                    object.put(
                        "guide", entry.guide.map(JSONValue.string), orBecause: "beyond the guide")
                    object.put(
                        "not_to_confuse", .array(entry.notToConfuse.map(JSONValue.string)))
                    return object.value
                }))
        return document.value.encoded(indented: true)
    }

    private static func severities(_ id: FindingID) -> TextTable.Cell {
        TextTable.Cell(
            parts: id.severities.enumerated().flatMap { index, severity in
                (index == 0 ? [] : [(text: " or ", style: TextStyle.faint)])
                    + [(text: severity.rawValue, style: severity.style)]
            })
    }

    private static func firstSentence(_ text: String) -> String {
        guard
            let end = text.indices.first(where: { index in
                text[index] == "."
                    && text[text.index(after: index)...].first.map(\.isWhitespace) != false
            })
        else { return text }
        return String(text[...end])
    }
}
