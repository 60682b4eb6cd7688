/// The text form of metric families: what a scrape is answered with.
///
/// Prometheus text format 0.0.4:
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>. OpenMetrics 1.0:
/// <https://prometheus.io/docs/specs/om/open_metrics_spec/>.
///
///     let sent = MetricFamily.counter(
///         "tunnelprobe_probes_sent_total", help: "Probes sent.",
///         [MetricSample([MetricLabel("tunnel", "cf-1")], .count(12))])
///     let format = MetricFormat.negotiated(accept: request.headers["Accept"])
///     let body = MetricExposition.render([sent], as: format)
///
/// Two choices go beyond the formats. A whole `le` is printed "1.0" in both, as OpenMetrics wants,
/// so that a bucket is the same series whichever format was negotiated. And `_created` series are
/// left out: they are optional and double what a scraper stores.
public struct MetricExposition: Sendable {
    private let format: MetricFormat
    private var output: [UInt8] = []
    /// The labels of the next line, with the brace before them: written once for all of a histogram's lines.
    private var labels: [UInt8] = []

    /// The families in the given format, in the given order, as UTF-8.
    ///
    /// - Precondition: no two families have a name, or the name of a sample, in common.
    public static func render(_ families: [MetricFamily], as format: MetricFormat) -> [UInt8] {
        var exposition = MetricExposition(format: format)
        // Growing by doubling would hold three times the text at its end.
        exposition.output.reserveCapacity(families.reduce(0) { $0 + roughByteCount(of: $1) })
        var names: Set<String> = []
        for family in families {
            for name in family.reservedNames {
                precondition(names.insert(name).inserted, "two metric families use '\(name)'")
            }
            exposition.append(family)
        }
        if format == .openMetrics { exposition.append("# EOF\n") }
        return exposition.output
    }

    private init(format: MetricFormat) {
        self.format = format
    }

    private mutating func append(_ family: MetricFamily) {
        // OpenMetrics: the family of the counter `x_total` is `x`, its sample is `x_total`.
        let name = format == .openMetrics ? family.openMetricsName : family.name
        append("# HELP ")
        append(name)
        append(" ")
        // Only OpenMetrics escapes the quotation mark in help text.
        Self.append(escaping: family.help, quotes: format == .openMetrics, to: &output)
        append("\n# TYPE ")
        append(name)
        switch family.kind {
        case .counter: append(" counter\n")
        case .gauge: append(" gauge\n")
        case .histogram: append(" histogram\n")
        }
        for sample in family.samples { append(sample, of: family) }
    }

    private mutating func append(_ sample: MetricSample, of family: MetricFamily) {
        labels.removeAll(keepingCapacity: true)
        for label in sample.labels { append(label) }
        switch sample.value {
        case .integer(let value): appendLine(family.name, String(value))
        case .number(let value): appendLine(family.name, number(value))
        case .histogram(let histogram):
            let bucket = family.name + "_bucket"
            let own = labels.count
            for (bound, count) in zip(histogram.upperBounds, histogram.cumulativeCounts) {
                append(MetricLabel("le", bound.description))
                appendLine(bucket, String(count))
                labels.removeLast(labels.count - own)
            }
            append(MetricLabel("le", "+Inf"))
            appendLine(bucket, String(histogram.count))
            labels.removeLast(labels.count - own)
            appendLine(family.name + "_sum", number(histogram.sum))
            appendLine(family.name + "_count", String(histogram.count))
        }
    }

    /// Appends to the labels of the next line.
    private mutating func append(_ label: MetricLabel) {
        labels.append(contentsOf: (labels.isEmpty ? "{" : ",").utf8)
        labels.append(contentsOf: label.name.utf8)
        labels.append(contentsOf: "=\"".utf8)
        Self.append(escaping: label.value, quotes: true, to: &labels)
        labels.append(UInt8(ascii: "\""))
    }

    private mutating func appendLine(_ name: String, _ value: String) {
        append(name)
        output.append(contentsOf: labels)
        append(labels.isEmpty ? " " : "} ")
        append(value)
        append("\n")
    }

    private mutating func append(_ text: String) {
        output.append(contentsOf: text.utf8)
    }

    /// Appends text with backslash and line feed escaped, and the quotation mark if asked for.
    private static func append(escaping text: String, quotes: Bool, to output: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): output.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\n"): output.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\"") where quotes: output.append(contentsOf: "\\\"".utf8)
            default: output.append(byte)
            }
        }
    }

    /// About how long a family's text is, rather too long than too short.
    private static func roughByteCount(of family: MetricFamily) -> Int {
        let longestValue = 24
        return family.samples.reduce(2 * family.name.utf8.count + family.help.utf8.count + 32) {
            let labels = $1.labels.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
            switch $1.value {
            case .integer, .number:
                return $0 + family.name.utf8.count + labels + longestValue
            case .histogram(let histogram):
                // `_bucket`, and `le` with its bound.
                let line = family.name.utf8.count + labels + longestValue + 24
                return $0 + (histogram.upperBounds.count + 3) * line
            }
        }
    }

    /// The shortest decimal that reads back as the same number.
    private func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        let text = value.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

extension MetricFamily {
    /// The name in OpenMetrics' metadata lines: a counter's without `_total`.
    var openMetricsName: String {
        kind == .counter ? String(name.dropLast("_total".count)) : name
    }

    /// Every name this family takes in either format.
    var reservedNames: [String] {
        switch kind {
        case .counter: [name, openMetricsName]
        case .gauge: [name]
        case .histogram: [name, name + "_bucket", name + "_sum", name + "_count"]
        }
    }
}
