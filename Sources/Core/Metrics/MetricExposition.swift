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

    /// The families in the given format, in the given order, as UTF-8.
    ///
    /// - Precondition: no two families have a name, or the name of a sample, in common.
    public static func render(_ families: [MetricFamily], as format: MetricFormat) -> [UInt8] {
        var exposition = MetricExposition(format: format)
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
        append(escaping: family.help, quotes: format == .openMetrics)
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
        switch sample.value {
        case .integer(let value):
            appendLine(family.name, sample.labels, String(value))
        case .number(let value):
            appendLine(family.name, sample.labels, number(value))
        case .histogram(let histogram):
            let bucket = family.name + "_bucket"
            for (bound, count) in zip(histogram.upperBounds, histogram.cumulativeCounts) {
                appendLine(
                    bucket, sample.labels + [MetricLabel("le", bound.description)], String(count))
            }
            appendLine(
                bucket, sample.labels + [MetricLabel("le", "+Inf")], String(histogram.count))
            appendLine(family.name + "_sum", sample.labels, number(histogram.sum))
            appendLine(family.name + "_count", sample.labels, String(histogram.count))
        }
    }

    private mutating func appendLine(_ name: String, _ labels: [MetricLabel], _ value: String) {
        append(name)
        if !labels.isEmpty {
            var separator = "{"
            for label in labels {
                append(separator)
                append(label.name)
                append("=\"")
                append(escaping: label.value, quotes: true)
                append("\"")
                separator = ","
            }
            append("}")
        }
        append(" ")
        append(value)
        append("\n")
    }

    private mutating func append(_ text: String) {
        output.append(contentsOf: text.utf8)
    }

    /// Appends text with backslash and line feed escaped, and the quotation mark if asked for.
    private mutating func append(escaping text: String, quotes: Bool) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append("\\\\")
            case UInt8(ascii: "\n"): append("\\n")
            case UInt8(ascii: "\"") where quotes: append("\\\"")
            default: output.append(byte)
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
