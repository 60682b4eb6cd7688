/// What a key takes: how a value of the document becomes one of ours, and which ones are refused.
struct ValueRule<Value> {
    /// What is allowed, to follow the word "allowed:" in a message.
    let allowed: String
    /// Reads a value of the document.
    let read: (TOMLNode) throws(ValueMistake) -> Value

    init(allowed: String, read: @escaping (TOMLNode) throws(ValueMistake) -> Value) {
        self.allowed = allowed
        self.read = read
    }

    /// A rule for values that are written as strings.
    static func string(
        allowed: String, read: @escaping (String) throws(ValueMistake) -> Value
    ) -> ValueRule {
        ValueRule(allowed: allowed) { (node) throws(ValueMistake) in
            guard case .string(let text) = node else { throw .wrongType(node, wanted: "a string") }
            return try read(text)
        }
    }

    /// The rule that also takes `""`, which stands for nil.
    static func optional<Wrapped>(_ rule: ValueRule<Wrapped>, empty: String) -> ValueRule
    where Value == Wrapped? {
        ValueRule(allowed: "\(rule.allowed), or \"\" \(empty)") { (node) throws(ValueMistake) in
            if node == .string("") { return nil }
            return try rule.read(node)
        }
    }
}

extension ValueMistake {
    /// A value of another type than the key takes; names both.
    static func wrongType(
        _ node: TOMLNode, wanted: String, element: Int? = nil
    ) -> ValueMistake {
        ValueMistake("is \(node.typeName), not \(wanted)", element: element)
    }
}

// MARK: - Numbers, choices, durations, sizes

extension ValueRule where Value == Bool {
    /// `true` or `false`.
    static var boolean: ValueRule {
        ValueRule(allowed: "true or false") { (node) throws(ValueMistake) in
            guard case .boolean(let value) = node else {
                throw .wrongType(node, wanted: "a boolean")
            }
            return value
        }
    }
}

extension ValueRule where Value: FixedWidthInteger {
    /// An integer of a range.
    static func integer(in range: ClosedRange<Value>) -> ValueRule {
        let allowed = "\(range.lowerBound) to \(range.upperBound)"
        return ValueRule(allowed: allowed) { (node) throws(ValueMistake) in
            guard case .integer(let number) = node else {
                throw .wrongType(node, wanted: "an integer")
            }
            guard let value = Value(exactly: number), range.contains(value) else {
                throw ValueMistake("\(number) is out of range")
            }
            return value
        }
    }
}

extension ValueRule where Value == Double {
    /// A percentage that leaves room on both sides; an integer will do.
    static var percentage: ValueRule {
        ValueRule(allowed: "more than 0 and less than 100") { (node) throws(ValueMistake) in
            let value: Double
            switch node {
            case .float(let number): value = number
            case .integer(let number): value = Double(number)
            default: throw .wrongType(node, wanted: "a float")
            }
            guard value > 0, value < 100 else { throw ValueMistake("\(value) is out of range") }
            return value
        }
    }
}

extension ValueRule where Value: RawRepresentable<String> & CaseIterable {
    /// One of the raw values of an enumeration.
    static var choice: ValueRule {
        let allowed = Value.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        return .string(allowed: allowed) { (text) throws(ValueMistake) in
            guard let value = Value(rawValue: text) else {
                throw ValueMistake("\(TOMLText.excerpt(text)) is unknown")
            }
            return value
        }
    }
}

extension ValueRule where Value == Duration {
    /// A duration of a range.
    static func duration(in range: ClosedRange<Duration>) -> ValueRule {
        let shortest = DurationText.format(range.lowerBound)
        let longest = DurationText.format(range.upperBound)
        let allowed = "\(shortest) to \(longest)"
        return ValueRule(allowed: allowed) { (node) throws(ValueMistake) in
            guard case .string(let text) = node else {
                throw ValueMistake(
                    "is \(node.typeName), not a string",
                    allowed: "\(allowed), a number and a unit in quotes, like \"\(shortest)\"")
            }
            guard let value = DurationText.parse(text) else {
                throw ValueMistake(
                    "\(TOMLText.excerpt(text)) is no duration",
                    allowed: "\(allowed), in d, h, m, s and ms, like \"1m30s\"")
            }
            guard value >= range.lowerBound else {
                throw ValueMistake("\(TOMLText.excerpt(text)) is too short")
            }
            guard value <= range.upperBound else {
                throw ValueMistake("\(TOMLText.excerpt(text)) is too long")
            }
            return value
        }
    }
}

extension ValueRule where Value == ByteCount {
    /// A size of a range.
    static func size(in range: ClosedRange<ByteCount>) -> ValueRule {
        let allowed = "\(range.lowerBound) to \(range.upperBound)"
        return ValueRule(allowed: allowed) { (node) throws(ValueMistake) in
            guard case .string(let text) = node else {
                throw ValueMistake(
                    "is \(node.typeName), not a string",
                    allowed: "\(allowed), a number and a unit in quotes, like \"4MiB\"")
            }
            guard let value = ByteCount(text) else {
                throw ValueMistake(
                    "\(TOMLText.excerpt(text)) is no size",
                    allowed: "\(allowed), in B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, like \"4MiB\""
                )
            }
            guard range.contains(value) else {
                let side = value < range.lowerBound ? "small" : "large"
                throw ValueMistake("\(TOMLText.excerpt(text)) is too \(side)")
            }
            return value
        }
    }
}

extension ValueRule where Value == ProbingSettings.IKEProbe {
    /// A word, or how often.
    static var ikeProbe: ValueRule {
        let every = ValueRule<Duration>.duration(in: .seconds(1) ... .seconds(86_400))
        let allowed = "\"on-demand\", \"never\", or a duration of \(every.allowed)"
        return .string(allowed: allowed) { (text) throws(ValueMistake) in
            switch text {
            case "on-demand": return .onDemand
            case "never": return .never
            default:
                do throws(ValueMistake) {
                    return .every(try every.read(.string(text)))
                } catch {
                    throw ValueMistake(error.problem)
                }
            }
        }
    }
}

extension ValueRule where Value == [Int] {
    /// Anti-replay windows, each once; their number bounds the series of a metric.
    static var replayWindows: ValueRule {
        let range = 1...(1 << 20)
        let limit = 32
        let allowed =
            "at most \(limit) different integers of \(range.lowerBound) to \(range.upperBound)"
        return ValueRule(allowed: allowed) { (node) throws(ValueMistake) in
            guard case .array(let elements) = node else {
                throw .wrongType(node, wanted: "an array of integers")
            }
            var windows: [Int] = []
            for (index, element) in elements.enumerated() {
                guard case .integer(let window) = element else {
                    throw .wrongType(element, wanted: "an integer", element: index)
                }
                guard range.contains(window) else {
                    throw ValueMistake("\(window) is out of range", element: index)
                }
                guard !windows.contains(window) else {
                    throw ValueMistake("\(window) is there twice", element: index)
                }
                guard windows.count < limit else {
                    throw ValueMistake("has \(elements.count) windows")
                }
                windows.append(window)
            }
            return windows
        }
    }
}
