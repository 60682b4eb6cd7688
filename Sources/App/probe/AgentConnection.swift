import Agent
import HTTP

/// The way to the running agent: HTTP over its control socket.
struct AgentConnection {
    private let client: HTTPClient

    init(socket: String) {
        client = HTTPClient(.unix(path: socket))
    }

    /// Why an examination inside the agent gave no report.
    enum Failure: Error {
        /// The agent could not be asked, or stopped in the middle.
        case connection(HTTPClientError)
        /// The agent refuses what was asked of it, and why.
        case refused(String)
        /// The agent cannot answer now, and why.
        case unavailable(String)

        /// Whether there is no agent, so that a command may do the work itself.
        var meansNoAgent: Bool {
            switch self {
            case .connection(.noSocket), .connection(.refused): true
            default: false
            }
        }
    }

    /// The largest status document that is read: 10 000 tunnels, each of 53 kB with probes alone.
    private static let largestStatus = 1 << 30

    /// What the agent knows now.
    func status(format: ReportFormat) async throws(Failure) -> RenderedReport {
        try await report("/api/v1/status?\(format.query)")
    }

    /// Who sends ESP, through one tunnel or through all.
    func senders(of tunnel: String?, format: ReportFormat) async throws(Failure) -> RenderedReport {
        try await report(SendersOrder(tunnel: tunnel, format: format).target)
    }

    /// What happened to the tunnels.
    func history(_ order: HistoryOrder) async throws(Failure) -> [UInt8] {
        try await report(order.target).document
    }

    private func report(_ target: String) async throws(Failure) -> RenderedReport {
        do {
            let response = try await client.send(.get, target)
            let body = try await response.body.collect(upTo: Self.largestStatus)
            guard response.status == 200, let verdict = response.headers["Tunnel-Probe-Verdict"]
            else { throw Self.failure(response.status, body) }
            return RenderedReport(verdict: verdict, document: body)
        } catch let error as Failure {
            throw error
        } catch let error as HTTPClientError {
            throw .connection(error)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// Has the agent examine tunnels, and follows its progress.
    func examine(
        _ order: ExaminationOrder, progress: (Double, String) -> Void
    ) async throws(Failure) -> RenderedReport {
        try await follow(order.target, progress: progress)
    }

    /// Has the agent make a support bundle, and follows its progress.
    func bundle(
        _ order: BundleOrder, progress: (Double, String) -> Void
    ) async throws(Failure) -> [UInt8] {
        try await follow(order.target, progress: progress).document
    }

    private func follow(
        _ target: String, progress: (Double, String) -> Void
    ) async throws(Failure) -> RenderedReport {
        do {
            let response = try await client.send(.post, target)
            guard response.status == 200 else {
                throw Self.failure(
                    response.status, try await response.body.collect(upTo: 65_536))
            }
            var parser = ExaminationStream.Parser()
            var report = RenderedReport(verdict: "", document: [])
            for try await piece in response.body {
                for message in parser.take(piece) {
                    switch message {
                    case .progress(let share, let text): progress(share, text)
                    case .refused(let reason): throw Failure.refused(reason)
                    case .verdict(let verdict): report.verdict = verdict
                    case .report(let bytes): report.document += bytes
                    }
                }
            }
            return report
        } catch let error as Failure {
            throw error
        } catch let error as HTTPClientError {
            throw .connection(error)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// RFC 9110 §15: 4xx blames the request, everything else the server.
    private static func failure(_ status: Int, _ body: [UInt8]) -> Failure {
        var text = String(decoding: body.prefix(1000), as: UTF8.self)
        while text.last?.isNewline == true { text.removeLast() }
        // "Not now" is no fault: its text says what to do.
        guard status != 503 || text.isEmpty else { return .unavailable(text) }
        // A wrong request is told by what is wrong with it.
        guard status != 400 || text.isEmpty else { return .refused(text) }
        let answer = "the agent answered \(status): \(text)"
        return (400..<500).contains(status) ? .refused(answer) : .unavailable(answer)
    }
}
