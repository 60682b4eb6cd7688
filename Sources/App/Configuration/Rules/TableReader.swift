/// Reads the keys of one table.
///
/// A mistake is noted, the key keeps its default, and reading goes on.
struct TableReader {
    /// Where the table is in the document.
    let path: [TOMLStep]
    private let entries: [TOMLEntry]
    private let schema: TableSchema

    /// Makes a reader and notes the keys that `schema` does not know.
    init(_ entries: [TOMLEntry], at path: [TOMLStep], schema: TableSchema, mistakes: inout Mistakes)
    {
        self.path = path
        self.entries = entries
        self.schema = schema
        for entry in entries where !schema.keys.contains(entry.key) {
            let (problem, allowed) = schema.judge(unknown: entry.key)
            mistakes.add(problem, allowed: allowed, at: path + [.key(entry.key)], .key)
        }
    }

    /// The value of a key as it stands in the document; nil when the key is not there.
    func node(_ key: String) -> TOMLNode? {
        precondition(schema.keys.contains(key), "\(key) is missing in its schema")
        return entries.first { $0.key == key }?.value
    }

    /// Reads a key by a rule; nil when it is not there or its value is a mistake, which is noted.
    func value<Value>(
        _ key: String, _ rule: ValueRule<Value>, _ mistakes: inout Mistakes
    ) -> Value? {
        guard let node = node(key) else { return nil }
        do throws(ValueMistake) {
            return try rule.read(node)
        } catch {
            let step = path + [.key(key)]
            let element = error.element.map { step + [.index($0)] } ?? step
            mistakes.add(error.problem, allowed: error.allowed ?? rule.allowed, at: element, .value)
            return nil
        }
    }

    /// Reads a key into `target`, which stays as it is when there is no good value.
    func read<Value>(
        _ key: String, into target: inout Value, _ rule: ValueRule<Value>,
        _ mistakes: inout Mistakes
    ) {
        if let value = value(key, rule, &mistakes) { target = value }
    }

    /// Reads a key that must be there.
    func required<Value>(
        _ key: String, _ rule: ValueRule<Value>, _ mistakes: inout Mistakes
    ) -> Value? {
        guard node(key) != nil else {
            mistakes.add("missing", allowed: rule.allowed, at: path, .key, as: path + [.key(key)])
            return nil
        }
        return value(key, rule, &mistakes)
    }

    /// Reads a key that holds a table; nil when it is not there or no table, which is noted.
    func table(_ key: String, schema: TableSchema, _ mistakes: inout Mistakes) -> TableReader? {
        guard let node = node(key) else { return nil }
        let path = path + [.key(key)]
        guard case .table(let entries) = node else {
            mistakes.add(
                "is \(node.typeName), not a table", allowed: schema.headerText, at: path, .value)
            return nil
        }
        return TableReader(entries, at: path, schema: schema, mistakes: &mistakes)
    }
}
