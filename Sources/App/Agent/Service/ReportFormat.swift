import TunnelHealth

/// How a report is to be written.
public struct ReportFormat: Equatable, Sendable {
    /// JSON instead of text.
    public var isJSON: Bool
    /// With colours, for a terminal.
    public var isColored: Bool
    /// With everything there is to say.
    public var isVerbose: Bool
    /// With block elements beyond ASCII, for a locale that has them.
    public var hasBlocks: Bool
    /// Columns of the terminal, at least 1; what is printed elsewhere gets 80.
    public var columns: Int

    /// Columns where nobody says how many there are.
    private static let usualColumns = 80

    /// Makes a format; `columns` is nil where there is no terminal.
    public init(
        isJSON: Bool, isColored: Bool = false, isVerbose: Bool = false, hasBlocks: Bool = false,
        columns: Int? = nil
    ) {
        self.isJSON = isJSON
        self.isColored = isColored
        self.isVerbose = isVerbose
        self.hasBlocks = hasBlocks
        self.columns = columns ?? Self.usualColumns
    }

    /// The format as a query, and back.
    public var query: String {
        "format=\(isJSON ? "json" : "text")&color=\(isColored ? 1 : 0)&verbose=\(isVerbose ? 1 : 0)"
            + "&blocks=\(hasBlocks ? 1 : 0)&columns=\(columns)"
    }

    init(query: [String: String]) {
        isJSON = query["format"] != "text"
        isColored = query["color"] == "1"
        isVerbose = query["verbose"] == "1"
        hasBlocks = query["blocks"] == "1"
        columns =
            query["columns"].flatMap { Int($0) }.map { min(max($0, 1), 1000) }
            ?? Self.usualColumns
    }

    private var palette: TextPalette { TextPalette(isColored: isColored) }
    private var glyphs: BarGlyphs { hasBlocks ? .blocks : .ascii }

    func render(_ report: StatusReport) -> [UInt8] {
        if isJSON { return report.json(isVerbose: isVerbose).encoded(indented: true) }
        let text = StatusText(
            palette: palette, glyphs: glyphs, columns: columns, isVerbose: isVerbose)
        return Array(text.render(report).utf8)
    }

    func render(_ report: SendersReport) -> [UInt8] {
        if isJSON { return report.json.encoded(indented: true) }
        let text = SendersText(palette: palette, glyphs: glyphs, isVerbose: isVerbose)
        return Array(text.render(report).utf8)
    }

    func render(_ report: AnalysisReport) -> [UInt8] {
        if isJSON { return report.json.encoded(indented: true) }
        let text = AnalysisText(palette: palette, glyphs: glyphs, isVerbose: isVerbose)
        return Array(text.render(report).utf8)
    }
}

/// A finished report and what a command makes of it.
public struct RenderedReport: Sendable {
    /// The top-level verdict: "healthy", "degraded", "down" or "unknown".
    public var verdict: String
    /// The document, ready to print.
    public var document: [UInt8]

    /// Makes a report from what an agent sent.
    public init(verdict: String, document: [UInt8]) {
        self.verdict = verdict
        self.document = document
    }
}

extension ProbingService {
    /// Probes the selected tunnels at once and writes the report.
    ///
    /// - Throws: `Refusal` for a name that no tunnel has.
    public func examination(
        _ selection: Selection, limit: Duration, format: ReportFormat,
        progress: @Sendable (Progress) -> Void
    ) async throws(Refusal) -> RenderedReport {
        let report = try await examine(selection, limit: limit, progress: progress)
        return RenderedReport(verdict: report.verdict.rawValue, document: format.render(report))
    }

    /// Writes what continuous watching knows now.
    public func currentStatus(format: ReportFormat) async -> RenderedReport {
        let report = await status()
        return RenderedReport(verdict: report.verdict.rawValue, document: format.render(report))
    }
}

extension SendersReport {
    /// Writes the senders.
    func rendered(_ format: ReportFormat) -> RenderedReport {
        RenderedReport(verdict: verdict.rawValue, document: format.render(self))
    }
}

extension AnalysisReport {
    /// Writes the analysis.
    public func rendered(_ format: ReportFormat) -> RenderedReport {
        RenderedReport(verdict: verdict.rawValue, document: format.render(self))
    }

    /// Writes the senders of all streams, or of a tunnel's.
    ///
    /// - Parameters:
    ///   - tunnel: the tunnel's name; nil for all streams.
    ///   - format: how it is to be written.
    /// - Returns: the report; its verdict is healthy, or unknown where there is nothing to show or a
    ///   part of the file cannot be read.
    public func renderedSenders(tunnel: String?, _ format: ReportFormat) -> RenderedReport {
        let selected = streams.filter { tunnel == nil || $0.tunnel == tunnel }
        var reason: String?
        if selected.isEmpty {
            reason =
                streams.isEmpty
                ? "there is no ESP in the file"
                : "no stream of the file has the addresses of that tunnel"
        }
        let senders = SendersReport(streams: selected, tunnel: tunnel, reason: reason)
        let verdict: TunnelState = damage == nil ? senders.verdict : .unknown
        return RenderedReport(verdict: verdict.rawValue, document: format.render(senders))
    }
}
