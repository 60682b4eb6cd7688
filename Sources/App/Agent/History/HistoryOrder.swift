public import Configuration
import EventStore
import History
import HostFacts
public import NetworkPrimitives
import RawSockets

/// What a command or a browser asks of the history, as a query and back.
public struct HistoryOrder: Sendable {
    /// What the history is written as.
    public enum Form: String, Sendable {
        /// `tunnelprobe.history/1`.
        case json
        /// For a terminal.
        case text
        /// One page that needs nothing else.
        case html
    }

    /// One end of the time.
    public enum Moment: Equatable, Sendable {
        /// So long before now.
        case ago(Duration)
        /// A moment.
        case at(WallTime)

        /// Reads `24h` or `2026-11-22T12:00:00Z`; nil for anything else.
        public init?(_ text: String) {
            if let span = DurationText.parse(text), span >= .zero, span <= HistoryOrder.longest {
                self = .ago(span)
            } else if let time = WallTime(rfc3339: Array(text.utf8)[...]) {
                self = .at(time)
            } else {
                return nil
            }
        }

        /// The text that is read back as the same.
        public var text: String {
            switch self {
            case .ago(let span): "\(span.components.seconds)s"
            case .at(let time): time.description
            }
        }

        func time(_ now: WallTime) -> WallTime {
            switch self {
            case .ago(let span): now + (.zero - span)
            case .at(let time): time
            }
        }
    }

    /// How far back a report may go.
    public static let longest = Duration.seconds(400 * 86_400)

    /// The first moment.
    public var since: Moment
    /// The last moment; nil for now.
    public var until: Moment?
    /// Which tunnels; empty for all.
    public var tunnels: [String]
    /// What it is written as.
    public var form: Form
    /// How text is written.
    public var format: ReportFormat

    /// Makes an order.
    public init(
        since: Moment = .ago(.seconds(86_400)), until: Moment? = nil, tunnels: [String] = [],
        form: Form, format: ReportFormat
    ) {
        self.since = since
        self.until = until
        self.tunnels = tunnels
        self.form = form
        self.format = format
    }

    /// Path and query of the request to the agent.
    public var target: String {
        var query = "\(format.query)&form=\(form.rawValue)&since=\(since.text.percentEncoded)"
        if let until { query += "&until=\(until.text.percentEncoded)" }
        if !tunnels.isEmpty {
            query += "&tunnels=\(tunnels.joined(separator: "\0").percentEncoded)"
        }
        return "/api/v1/report?\(query)"
    }

    init?(query: [String: String]) {
        format = ReportFormat(query: query)
        if let name = query["form"] {
            guard let form = Form(rawValue: name) else { return nil }
            self.form = form
        } else {
            form = .json
        }
        since = .ago(.seconds(86_400))
        if let text = query["since"] {
            guard let moment = Moment(text) else { return nil }
            since = moment
        }
        if let text = query["until"] {
            guard let moment = Moment(text) else { return nil }
            until = moment
        }
        tunnels = (query["tunnels"] ?? "").split(separator: "\0").map(String.init)
    }

    /// Why a history cannot be reported.
    public enum Refusal: Error, Equatable, CustomStringConvertible {
        /// No store, or it cannot be read.
        case unreadable(String)
        /// The time ends before it begins.
        case noTime
        /// No tunnel of that name has a history.
        case unknownTunnel(String, known: [String])

        /// What is wrong, and what would be right.
        public var description: String {
            switch self {
            case .unreadable(let reason): reason
            case .noTime: "the report's time ends before it begins: --since must be before --until"
            case .unknownTunnel(let name, let known):
                known.isEmpty
                    ? "nothing is kept of a tunnel '\(name)', nor of any other"
                    : "nothing is kept of a tunnel '\(name)'; there are: \(known.joined(separator: ", "))"
            }
        }
    }

    /// Reads the history of a state directory and writes it as it was ordered.
    ///
    /// - Parameters:
    ///   - configuration: where the store is, and the objective.
    ///   - isAgentRunning: whether an agent writes it now; what comes after the last sign of life of another
    ///     was not watched.
    /// - Returns: the document.
    /// - Throws: `Refusal`.
    public func document(
        of configuration: AgentConfiguration, isAgentRunning: Bool
    ) throws(Refusal) -> [UInt8] {
        let now = WallClock.now()
        let (from, to) = (since.time(now), min(until?.time(now) ?? now, now))
        guard from < to else { throw .noTime }
        let reader: EventReader
        let known: [String]
        do throws(StoreError) {
            reader = try EventReader(
                path: "\(configuration.stateDirectory)/\(EventStore.fileName)")
            known = try reader.tunnels()
        } catch {
            throw .unreadable(error.description)
        }
        for name in tunnels where !known.contains(name) {
            throw .unknownTunnel(name, known: known)
        }
        do throws(StoreError) {
            return written(
                try HistoryReport(
                    StoredHistory(reader), from...to, of: tunnels, objective: configuration.slo,
                    watchedUntil: isAgentRunning ? nil : try reader.heartbeat() ?? from))
        } catch {
            throw .unreadable(error.description)
        }
    }

    private func written(_ report: HistoryReport) -> [UInt8] {
        switch form {
        case .json: report.json.encoded(indented: true)
        case .html: Array(HistoryPage(report: report, hostname: Host.name ?? "this host").html.utf8)
        case .text:
            Array(
                HistoryText(
                    palette: TextPalette(isColored: format.isColored), hasBlocks: format.hasBlocks,
                    columns: format.columns, isVerbose: format.isVerbose
                ).render(report).utf8)
        }
    }
}
