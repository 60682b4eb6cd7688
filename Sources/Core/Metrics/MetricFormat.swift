/// A text form of metrics that Prometheus reads.
public enum MetricFormat: Hashable, Sendable {
    /// Prometheus text exposition format 0.0.4.
    case prometheusText
    /// OpenMetrics 1.0.0.
    case openMetrics

    /// The value of the `Content-Type` header.
    public var contentType: String {
        switch self {
        case .prometheusText: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// The format to answer a request with, from its `Accept` header (RFC 9110 §12.5.1).
    ///
    /// OpenMetrics is chosen only when it is named, in version 1.0.0 or none, with a quality over 0
    /// and not under the text format's: a person with `curl` or a browser, who accepts anything,
    /// gets plain text. A header that accepts neither, cannot be read, or is missing gets the text
    /// format too, since every scraper reads it and a refusal would help nobody.
    public static func negotiated(accept: String?) -> MetricFormat {
        guard let accept else { return .prometheusText }
        var openMetrics = 0.0
        // The most specific range decides: text/plain before text/* before */*.
        var text: (specificity: Int, quality: Double) = (-1, 0)
        for range in splitOutsideQuotes(accept, at: ",").compactMap(MediaRange.init) {
            switch range.type {
            case "application/openmetrics-text":
                guard range.version == nil || range.version == "1.0.0" else { continue }
                openMetrics = max(openMetrics, range.quality)
            case "text/plain", "text/*", "*/*":
                if range.type == "text/plain", range.version.map({ $0 != "0.0.4" }) ?? false {
                    continue
                }
                let specificity = range.type == "text/plain" ? 2 : range.type == "text/*" ? 1 : 0
                if specificity > text.specificity {
                    text = (specificity, range.quality)
                } else if specificity == text.specificity {
                    text.quality = max(text.quality, range.quality)
                }
            default: continue
            }
        }
        return openMetrics > 0 && openMetrics >= text.quality ? .openMetrics : .prometheusText
    }
}

/// One entry of an `Accept` header.
private struct MediaRange {
    let type: String
    var version: String?
    var quality = 1.0

    /// Nil when the entry is not a media range or its quality is not a number from 0 to 1.
    init?(_ text: Substring) {
        let parts = splitOutsideQuotes(text, at: ";").map(trimmed)
        guard let type = parts.first, type.contains("/") else { return nil }
        self.type = type.lowercased()
        for parameter in parts.dropFirst() {
            guard let equals = parameter.firstIndex(of: "=") else { continue }
            let name = trimmed(parameter[..<equals]).lowercased()
            var value = trimmed(parameter[parameter.index(after: equals)...])
            if value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") {
                value = value.dropFirst().dropLast()
            }
            switch name {
            case "version": version = String(value)
            case "q":
                guard let number = Double(value), (0...1).contains(number) else { return nil }
                quality = number
            default: continue
            }
        }
    }
}

/// Splits at a separator that does not stand in a quoted string (RFC 9110 §5.6.4).
private func splitOutsideQuotes(
    _ text: some StringProtocol, at separator: Character
) -> [Substring] {
    var parts: [Substring] = []
    let text = Substring(text)
    var start = text.startIndex
    var isQuoted = false
    var isEscaped = false
    for index in text.indices {
        let character = text[index]
        if isEscaped {
            isEscaped = false
        } else if isQuoted, character == "\\" {
            isEscaped = true
        } else if character == "\"" {
            isQuoted.toggle()
        } else if character == separator, !isQuoted {
            parts.append(text[start..<index])
            start = text.index(after: index)
        }
    }
    parts.append(text[start...])
    return parts
}

private func trimmed(_ text: Substring) -> Substring {
    var text = text
    while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text
}
