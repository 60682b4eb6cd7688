import TunnelHealth

/// How a report is to be written.
public struct ReportFormat: Equatable, Sendable {
    /// JSON instead of text.
    public var isJSON: Bool
    /// With colours, for a terminal.
    public var isColored: Bool
    /// With everything there is to say.
    public var isVerbose: Bool

    /// Makes a format.
    public init(isJSON: Bool, isColored: Bool = false, isVerbose: Bool = false) {
        self.isJSON = isJSON
        self.isColored = isColored
        self.isVerbose = isVerbose
    }

    /// The format as a query, and back.
    public var query: String {
        "format=\(isJSON ? "json" : "text")&color=\(isColored ? 1 : 0)&verbose=\(isVerbose ? 1 : 0)"
    }

    init(query: [String: String]) {
        isJSON = query["format"] != "text"
        isColored = query["color"] == "1"
        isVerbose = query["verbose"] == "1"
    }

    func render(_ report: StatusReport) -> [UInt8] {
        if isJSON { return report.json(isVerbose: isVerbose).encoded(indented: true) }
        let text = StatusText(palette: TextPalette(isColored: isColored), isVerbose: isVerbose)
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
