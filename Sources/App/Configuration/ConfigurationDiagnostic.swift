/// A place in a text file, as editors show it.
public struct SourcePosition: Hashable, Comparable, Sendable {
    /// The line, from 1.
    public let line: Int
    /// The column, from 1, counted in Unicode scalars.
    public let column: Int

    /// Makes a position from a line and a column, both from 1.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// Orders positions as they follow each other in the text.
    public static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// One mistake in a configuration file: where it is, what is wrong and what would be right.
public struct ConfigurationDiagnostic: Hashable, Sendable {
    /// The file as the caller named it.
    public let file: String
    /// Where in the file; nil when the mistake is the file itself (it cannot be read).
    public let position: SourcePosition?
    /// The key in dotted form, like `tunnel[2].interval`; nil for a syntax error.
    ///
    /// `tunnel[2]` is the second `[[tunnel]]` of the file: operators count from one.
    public let key: String?
    /// What is wrong, without a full stop.
    public let problem: String
    /// What would be right; nil where the problem already says it all.
    public let allowed: String?

    /// The line of `position`.
    public var line: Int? { position?.line }
    /// The column of `position`.
    public var column: Int? { position?.column }

    /// Makes a diagnostic.
    public init(
        file: String, position: SourcePosition?, key: String?, problem: String, allowed: String?
    ) {
        self.file = file
        self.position = position
        self.key = key
        self.problem = problem
        self.allowed = allowed
    }
}

extension ConfigurationDiagnostic: CustomStringConvertible {
    /// One line in the form compilers use, so that editors can jump to it:
    /// `agent.conf:14:12: tunnel[1].interval: "5ms" is too short; allowed: 10ms to 1h`.
    public var description: String {
        var text = file
        if let position {
            text += ":\(position.line):\(position.column)"
        }
        if let key {
            text += ": \(key)"
        }
        text += ": \(problem)"
        if let allowed {
            text += "; allowed: \(allowed)"
        }
        return text
    }
}

/// A configuration that cannot be used, with every mistake found in it.
public struct ConfigurationFailure: Error, Equatable, Sendable {
    /// The mistakes, at least one, in the order of their positions.
    public let diagnostics: [ConfigurationDiagnostic]

    /// Makes a failure, sorting `diagnostics` by position.
    ///
    /// - Precondition: there is at least one diagnostic.
    public init(_ diagnostics: [ConfigurationDiagnostic]) {
        precondition(!diagnostics.isEmpty, "a failure without a mistake")
        // Those of one position keep the order they were found in.
        self.diagnostics = diagnostics.enumerated().sorted { left, right in
            let first = left.element.position ?? SourcePosition(line: 0, column: 0)
            let second = right.element.position ?? SourcePosition(line: 0, column: 0)
            return (first, left.offset) < (second, right.offset)
        }.map(\.element)
    }
}

extension ConfigurationFailure: CustomStringConvertible {
    /// The mistakes, one a line.
    public var description: String {
        diagnostics.map(\.description).joined(separator: "\n")
    }
}
