import Configuration
import HTTP
import HostFacts
import Metrics
import NetworkPrimitives

/// What the agent answers over HTTP: the same pages on TCP and on the control socket, and on the
/// control socket alone what sends packets.
struct AgentRoutes: Sendable {
    /// The header that carries a status's verdict, for the exit status of the command.
    static let verdictHeader = "Tunnel-Probe-Verdict"

    let service: ProbingService
    let configuration: ConfigurationStore
    /// The body of a refused reload is 500, as Prometheus does it.
    let reload: @Sendable () async -> ConfigurationStore.Outcome
    private let slots = ExaminationSlots()

    init(
        service: ProbingService, configuration: ConfigurationStore,
        reload: @escaping @Sendable () async -> ConfigurationStore.Outcome
    ) {
        self.service = service
        self.configuration = configuration
        self.reload = reload
    }

    /// The routes of the TCP port.
    var pages: HTTPRouter {
        var router = HTTPRouter()
        router.on(.get, "/") { [service] _ in
            let page = StatusPage(report: await service.status())
            return .bytes(Array(page.html.utf8), contentType: "text/html; charset=utf-8")
        }
        router.on(.get, "/metrics") { await metrics($0) }
        router.on(.get, "/api/v1/status") { await status($0) }
        router.on(.get, "/api/v1/senders") { await senders($0) }
        router.on(.get, "/api/v1/report") { await history($0) }
        router.on(.get, "/-/healthy") { _ in .text("tunnel-probe is healthy.\n") }
        router.on(.get, "/-/ready") { [service] _ in
            service.isReady
                ? .text("tunnel-probe is ready.\n")
                : .text("tunnel-probe is looking at this host.\n", status: 503)
        }
        router.on(.post, "/-/reload") { request in
            guard Self.isSameOrigin(request) else {
                return .text("cross-origin request refused\n", status: 403)
            }
            return switch await reload() {
            case .loaded(let summary): .text("\(summary)\n")
            case .refused(let problems): .text("\(problems)\n", status: 500)
            }
        }
        return router
    }

    /// The routes of the control socket.
    var control: HTTPRouter {
        var router = pages
        router.on(.post, "/api/v1/now") { examination($0) }
        router.on(.post, "/api/v1/bundle") { bundle($0) }
        return router
    }

    /// Whether no page of another site made a browser send this (RFC 6454 §7).
    ///
    /// Only browsers send an Origin; "null", which hides it, is another site's too.
    static func isSameOrigin(_ request: HTTPRequest) -> Bool {
        let host = request.headers["Host"]?.lowercased()
        return request.headers.all.allSatisfy { name, value in
            guard name.lowercased() == "origin" else { return true }
            let origin = value.lowercased()
            return ["http://", "https://"].contains { scheme in
                origin.hasPrefix(scheme) && String(origin.dropFirst(scheme.count)) == host
            }
        }
    }

    private func metrics(_ request: HTTPRequest) async -> HTTPResponse {
        let format = MetricFormat.negotiated(accept: request.headers["Accept"])
        return .bytes(await metrics(as: format), contentType: format.contentType)
    }

    private func metrics(as format: MetricFormat) async -> [UInt8] {
        let metrics = StatusMetrics(
            report: await service.status(), measurement: await service.selfMeasurement(),
            configuration: configuration.status, process: .current())
        return MetricExposition.render(metrics.families, as: format)
    }

    private func status(_ request: HTTPRequest) async -> HTTPResponse {
        let format = ReportFormat(query: request.query)
        return Self.response(await service.currentStatus(format: format), format)
    }

    private func senders(_ request: HTTPRequest) async -> HTTPResponse {
        let order = SendersOrder(query: request.query)
        do throws(ProbingService.Refusal) {
            return Self.response(
                try await service.senders(of: order.tunnel).rendered(order.format), order.format)
        } catch {
            return .text("\(error)\n", status: 400)
        }
    }

    private func history(_ request: HTTPRequest) async -> HTTPResponse {
        guard let order = HistoryOrder(query: request.query) else {
            return .text(
                "since and until take a duration, like 24h, or a time, like 2026-11-22T12:00:00Z; "
                    + "form is json, text or html\n", status: 400)
        }
        let configuration = configuration.current
        // SQLite reads files: not on a thread of the pool.
        let result = await service.offPool { () -> Result<[UInt8], HistoryOrder.Refusal> in
            do throws(HistoryOrder.Refusal) {
                return .success(try order.document(of: configuration, isAgentRunning: true))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let document):
            var response = HTTPResponse.bytes(document, contentType: order.form.contentType)
            response.headers.append((Self.verdictHeader, "unknown"))
            return response
        case .failure(.unreadable(let reason)): return .text("\(reason)\n", status: 503)
        case .failure(let refusal): return .text("\(refusal)\n", status: 400)
        }
    }

    private static func response(
        _ report: RenderedReport, _ format: ReportFormat
    ) -> HTTPResponse {
        var response = HTTPResponse.bytes(
            report.document,
            contentType: format.isJSON ? "application/json" : "text/plain; charset=utf-8")
        response.headers.append((Self.verdictHeader, report.verdict))
        return response
    }

    private func examination(_ request: HTTPRequest) -> HTTPResponse {
        guard let order = ExaminationOrder(query: request.query) else {
            return .text(
                "timeout must be a number of seconds from 1 to 3600, address an IP address\n",
                status: 400)
        }
        return streamed { [service] progress throws(ProbingService.Refusal) in
            try await service.examination(
                order.selection, limit: order.limit, format: order.format, progress: progress)
        }
    }

    private func bundle(_ request: HTTPRequest) -> HTTPResponse {
        guard let order = BundleOrder(query: request.query) else {
            return .text(
                "since must be seconds from 60 on, limit octets from 1048576 to 1073741824\n",
                status: 400)
        }
        return streamed { progress throws(ProbingService.Refusal) in
            let metrics = await metrics(as: .prometheusText)
            return RenderedReport(
                verdict: "",
                document: try await service.bundle(order, metrics: metrics, progress: progress))
        }
    }

    /// Does what takes long and sends packets, and tells how far it has come.
    private func streamed(
        _ body:
            @escaping @Sendable (@Sendable (ProbingService.Progress) -> Void)
            async throws(ProbingService.Refusal) -> RenderedReport
    ) -> HTTPResponse {
        guard slots.take() else {
            return .text(
                "\(slots.limit) diagnoses are running; try again in a few seconds\n", status: 503)
        }
        let (stream, continuation) = AsyncStream<[UInt8]>.makeStream(
            bufferingPolicy: .bufferingNewest(64))
        let work = Task { [slots] in
            // However it ends, a client that goes away included: only then is the loop rid of it.
            defer { slots.release() }
            do throws(ProbingService.Refusal) {
                let report = try await body { progress in
                    continuation.yield(
                        ExaminationStream.encode(
                            .progress(share: progress.share, text: progress.text)))
                }
                continuation.yield(
                    ExaminationStream.encode(.verdict(report.verdict)) + report.document)
            } catch {
                continuation.yield(ExaminationStream.encode(.refused(error.description)))
            }
            continuation.finish()
        }
        // A client that goes away takes its probes with it.
        continuation.onTermination = { _ in work.cancel() }
        return .stream(stream, contentType: "text/plain; charset=utf-8")
    }
}

/// What a command asks the agent to examine, as a query and back.
public struct ExaminationOrder: Sendable {
    /// Which tunnels; an endpoint by its address, the agent resolves no names that it is sent.
    public var selection: ProbingService.Selection
    /// How long it may take.
    public var limit: Duration
    /// How the report is to be written.
    public var format: ReportFormat

    /// Makes an order.
    public init(
        selection: ProbingService.Selection, limit: Duration, format: ReportFormat
    ) {
        self.selection = selection
        self.limit = limit
        self.format = format
    }

    /// Path and query of the request to the control socket.
    public var target: String {
        var query = "\(format.query)&timeout=\(limit.seconds)"
        switch selection {
        case .all: break
        case .named(let names):
            // What an operator types may hold any character but NUL, which therefore separates.
            query += "&tunnels=\(names.joined(separator: "\0").percentEncoded)"
        case .endpoint(let remote):
            query += "&address=\(remote.description.percentEncoded)"
        }
        return "/api/v1/now?\(query)"
    }

    init?(query: [String: String]) {
        guard let seconds = query["timeout"].flatMap(Double.init), (1...3600).contains(seconds)
        else { return nil }
        limit = .seconds(seconds)
        format = ReportFormat(query: query)
        if let text = query["address"] {
            guard let address = IPAddress(text) else { return nil }
            selection = .endpoint(.address(address))
        } else if let names = query["tunnels"] {
            selection = .named(names.split(separator: "\0").map(String.init))
        } else {
            selection = .all
        }
    }
}

extension ProbingService.Refusal: CustomStringConvertible {
    /// What is wrong, and which names there are.
    public var description: String {
        switch self {
        case .unknownTunnel(let name, let known):
            known.isEmpty
                ? "there is no tunnel '\(name)', nor any other: probe now ADDRESS needs none"
                : "there is no tunnel '\(name)'; there are: \(known.joined(separator: ", "))"
        }
    }
}

extension HistoryOrder.Form {
    /// Its media type.
    fileprivate var contentType: String {
        switch self {
        case .json: "application/json"
        case .text: "text/plain; charset=utf-8"
        case .html: "text/html; charset=utf-8"
        }
    }
}
