/// Turns nodes of one file into settings, and mistakes into errors with their place.
struct WebConfigurationFile {
    let path: String

    static let booleans: [(String, Bool)] = [("true", true), ("false", false)]

    func error(_ node: YAMLNode, _ reason: String) -> WebConfigurationError {
        WebConfigurationError(path: path, line: node.line, column: node.column, reason: reason)
    }

    /// The entries of a mapping, each key known and given once; none for an empty value.
    func entries(
        of node: YAMLNode, what: String, allowed: [String]?
    ) throws(WebConfigurationError) -> [(key: YAMLNode, value: YAMLNode, name: String)] {
        if node.isNull { return [] }
        guard case .mapping(let pairs) = node.content else {
            throw error(node, "\(what) must be a mapping (key: value)")
        }
        var seen: [String: Int] = [:]
        var entries: [(key: YAMLNode, value: YAMLNode, name: String)] = []
        for (key, value) in pairs {
            guard case .scalar(let name, _) = key.content else {
                throw error(key, "a key must be plain text")
            }
            if let allowed, !allowed.contains(name) {
                throw error(
                    key,
                    "unknown key '\(name)' in \(what); allowed: \(allowed.joined(separator: ", "))")
            }
            if let line = seen.updateValue(key.line, forKey: name) {
                throw error(key, "'\(name)' is given twice, first in line \(line)")
            }
            entries.append((key, value, name))
        }
        return entries
    }

    func text(_ node: YAMLNode, _ name: String) throws(WebConfigurationError) -> String {
        if node.isNull { return "" }
        guard case .scalar(let text, _) = node.content else {
            throw error(node, "'\(name)' must be text")
        }
        return text
    }

    func choice<Value>(
        _ node: YAMLNode, _ name: String, _ choices: [(String, Value)]
    ) throws(WebConfigurationError) -> Value {
        let text = try self.text(node, name)
        guard let choice = choices.first(where: { $0.0 == text }) else {
            throw error(
                node,
                "'\(text)' is no value of \(name); allowed: "
                    + choices.map(\.0).joined(separator: ", "))
        }
        return choice.1
    }

    func list<Value>(
        _ node: YAMLNode, _ name: String, _ choices: [(String, Value)]
    ) throws(WebConfigurationError) -> [Value]? {
        if node.isNull { return nil }
        guard case .sequence(let items) = node.content else {
            throw error(node, "'\(name)' must be a list")
        }
        var values: [Value] = []
        for item in items { values.append(try choice(item, name, choices)) }
        return values.isEmpty ? nil : values
    }
}
