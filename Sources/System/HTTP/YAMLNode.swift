internal import CYAML

/// A piece of a YAML document with its place in the text.
struct YAMLNode {
    enum Content {
        /// Text as written; `isPlain` is false when it stood in quotes or in a block.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([(key: YAMLNode, value: YAMLNode)])
    }

    var content: Content

    /// Where it begins, both from 1.
    var line: Int
    var column: Int

    /// An empty value (`key:`), `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }
}

/// Why a text is not the YAML that is wanted, and where.
struct YAMLError: Error {
    var line: Int
    var column: Int
    var reason: String
}

/// Builds nodes from libyaml's events.
///
/// Aliases are refused: a settings file of a few lines gains nothing from them, and they let a
/// small file become a huge or an endless tree.
@safe struct YAMLReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let depthLimit = 16

    private init() {
        unsafe parser = UnsafeMutablePointer.allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        // Fails only without memory.
        let isInitialized = unsafe yaml_parser_initialize(parser) == 1
        precondition(isInitialized, "out of memory")
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
    }

    /// The only document of the text; nil when there is nothing but comments.
    static func document(in text: [UInt8]) throws(YAMLError) -> YAMLNode? {
        let reader = YAMLReader()
        // libyaml reads from the buffer until it is deleted, so the buffer must outlive it.
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.count)
        defer { unsafe buffer.deallocate() }
        _ = unsafe buffer.initialize(from: text)
        unsafe yaml_parser_set_input_string(reader.parser, buffer.baseAddress, text.count)

        var document: YAMLNode?
        while true {
            let event = try reader.next()
            switch event.kind {
            case .streamEnd: return document
            case .documentStart where document != nil:
                throw event.error("a second document; the file holds one")
            case .other, .documentStart: continue
            default: document = try reader.node(from: event, depth: 0)
            }
        }
    }

    private func node(from event: Event, depth: Int) throws(YAMLError) -> YAMLNode {
        guard depth < depthLimit else { throw event.error("nested too deeply") }
        func node(_ content: YAMLNode.Content) -> YAMLNode {
            YAMLNode(content: content, line: event.line, column: event.column)
        }
        switch event.kind {
        case .scalar(let text, let isPlain): return node(.scalar(text, isPlain: isPlain))
        case .alias: throw event.error("aliases (*name) are not supported; write the value out")
        case .sequenceStart:
            var items: [YAMLNode] = []
            while true {
                let event = try next()
                if case .sequenceEnd = event.kind { return node(.sequence(items)) }
                items.append(try self.node(from: event, depth: depth + 1))
            }
        case .mappingStart:
            var pairs: [(key: YAMLNode, value: YAMLNode)] = []
            while true {
                let event = try next()
                if case .mappingEnd = event.kind { return node(.mapping(pairs)) }
                let key = try self.node(from: event, depth: depth + 1)
                pairs.append((key, try self.node(from: next(), depth: depth + 1)))
            }
        case .streamEnd, .documentStart, .sequenceEnd, .mappingEnd, .other:
            throw event.error("unexpected end")
        }
    }

    private struct Event {
        enum Kind {
            case scalar(String, isPlain: Bool)
            case alias, sequenceStart, sequenceEnd, mappingStart, mappingEnd
            case documentStart, streamEnd, other
        }

        var kind: Kind
        var line: Int
        var column: Int

        func error(_ reason: String) -> YAMLError {
            YAMLError(line: line, column: column, reason: reason)
        }
    }

    private func next() throws(YAMLError) -> Event {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else {
            let problem =
                unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "unreadable"
            let mark = unsafe parser.pointee.problem_mark
            throw YAMLError(line: mark.line + 1, column: mark.column + 1, reason: problem)
        }
        defer { unsafe yaml_event_delete(&event) }
        let kind: Event.Kind =
            switch unsafe event.type {
            case YAML_SCALAR_EVENT:
                unsafe .scalar(
                    String(
                        decoding: UnsafeBufferPointer(
                            start: event.data.scalar.value, count: event.data.scalar.length),
                        as: UTF8.self),
                    isPlain: event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
            case YAML_ALIAS_EVENT: .alias
            case YAML_SEQUENCE_START_EVENT: .sequenceStart
            case YAML_SEQUENCE_END_EVENT: .sequenceEnd
            case YAML_MAPPING_START_EVENT: .mappingStart
            case YAML_MAPPING_END_EVENT: .mappingEnd
            case YAML_DOCUMENT_START_EVENT: .documentStart
            case YAML_STREAM_END_EVENT: .streamEnd
            default: .other
            }
        return unsafe Event(
            kind: kind, line: event.start_mark.line + 1, column: event.start_mark.column + 1)
    }
}
