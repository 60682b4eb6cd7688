/// A label of a sample: a name and a value.
public struct MetricLabel: Hashable, Sendable {
    /// The name, `[a-zA-Z_][a-zA-Z0-9_]*`.
    public let name: String

    /// The value, in any characters; escaped when rendered.
    public let value: String

    /// Makes a label.
    ///
    /// - Precondition: `name` matches `[a-zA-Z_][a-zA-Z0-9_]*` and does not begin with two
    ///   underscores, which Prometheus keeps for itself.
    public init(_ name: String, _ value: String) {
        precondition(isLabelName(name), "'\(name)' is not a label name")
        self.name = name
        self.value = value
    }
}

/// What a sample is worth.
public enum MetricValue: Sendable {
    /// A whole number, printed with all its digits.
    case integer(Int64)
    /// Any number, NaN ("not known") and the infinities included.
    case number(Double)
    /// Counts by upper bound.
    case histogram(HistogramSnapshot)

    /// A count; saturates at 2⁶³ − 1, which at 10⁹ a second takes 292 years.
    public static func count(_ value: UInt64) -> Self { .integer(Int64(clamping: value)) }

    /// 1 for true, 0 for false.
    public static func flag(_ value: Bool) -> Self { .integer(value ? 1 : 0) }

    /// The number, or NaN when it is not known.
    public static func number(orUnknown value: Double?) -> Self { .number(value ?? .nan) }
}

/// One value of a metric family, told from its siblings by its labels.
public struct MetricSample: Sendable {
    /// The labels in output order; no name twice.
    public let labels: [MetricLabel]

    /// The value.
    public let value: MetricValue

    /// Makes a sample.
    ///
    /// - Precondition: no label name occurs twice.
    public init(_ labels: [MetricLabel] = [], _ value: MetricValue) {
        // Label by label: there are few, and a scrape of many tunnels makes a hundred thousand samples.
        for (index, label) in labels.enumerated() {
            precondition(
                !labels[..<index].contains { $0.name == label.name },
                "a label name twice in \(labels)")
        }
        self.labels = labels
        self.value = value
    }
}

/// Whether `name` matches `[a-zA-Z_:][a-zA-Z0-9_:]*`.
func isMetricName(_ name: String) -> Bool {
    isIdentifier(name) { $0 == UInt8(ascii: ":") }
}

/// Whether `name` matches `[a-zA-Z_][a-zA-Z0-9_]*` and is not reserved.
func isLabelName(_ name: String) -> Bool {
    isIdentifier(name) { _ in false } && !name.hasPrefix("__")
}

private func isIdentifier(_ name: String, also isAllowed: (UInt8) -> Bool) -> Bool {
    guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return name.utf8.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x41...0x5a, 0x5f, 0x61...0x7a: true  // 0-9 A-Z _ a-z
        default: isAllowed($0)
        }
    }
}
