/// One piece of a JSON text, RFC 8259.
public enum JSONToken: Hashable, Sendable {
    /// An opening brace.
    case objectStart
    /// A closing brace.
    case objectEnd
    /// An opening bracket.
    case arrayStart
    /// A closing bracket.
    case arrayEnd
    /// The name of a member; `JSONTokenizer.text` has it without escapes.
    case key
    /// A string; `JSONTokenizer.text` has it without escapes.
    case string
    /// A number; `JSONTokenizer.text` has it as it is written.
    case number
    /// `true` or `false`.
    case bool(Bool)
    /// `null`.
    case null
}

/// Why octets are no JSON.
public enum JSONFault: String, Hashable, Sendable {
    /// Something other than an object or an array stands outside of all.
    case noContainer = "no JSON object begins here"
    /// Something stands where the grammar wants something else.
    case unexpected = "this is no JSON"
    /// A control character inside a string, a line's end too.
    case controlCharacter = "a string does not end on its line"
    /// A backslash before what RFC 8259 §7 does not list.
    case badEscape = "a string has an unknown escape"
    /// A number that is none by RFC 8259 §6.
    case badNumber = "a number is malformed"
    /// More arrays and objects inside each other than are read.
    case tooDeep = "objects are nested too deep"
}

/// What a tokenizer found.
public enum JSONStep: Hashable, Sendable {
    /// The next piece.
    case token(JSONToken)
    /// The window is read; give the next one.
    case needMore
    /// The text is over, and whole.
    case end
    /// The text is over inside a value.
    case cut
    /// It is no JSON; `JSONTokenizer.skipLine` goes on after this line.
    case fault(JSONFault)
}
