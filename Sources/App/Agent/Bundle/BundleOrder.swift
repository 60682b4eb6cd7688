import Configuration

/// What a support bundle is to hold, as a query to the agent and back.
public struct BundleOrder: Sendable {
    /// Which tunnels.
    public var selection: ProbingService.Selection
    /// How far back history and recordings go.
    public var since: Duration
    /// The most octets of all files together, before they are compressed.
    public var limit: Int
    /// Whether the tunnels are probed for it; without the privilege they are not.
    public var probes = true

    /// The bounds of `limit`: what holds a status, and what fits into memory.
    public static let limits = (1 << 20)...(1 << 30)
    /// The bounds of `since`.
    public static let spans = Duration.seconds(60) ... .seconds(3650 * 86_400)

    /// Makes an order.
    public init(
        selection: ProbingService.Selection, since: Duration = .seconds(86_400),
        limit: Int = 50 << 20
    ) {
        self.selection = selection
        self.since = since
        self.limit = limit
    }

    /// Path and query of the request to the control socket.
    public var target: String {
        var query = "since=\(since.components.seconds)&limit=\(limit)"
        if case .named(let names) = selection {
            query += "&tunnels=\(names.joined(separator: "\0").percentEncoded)"
        }
        return "/api/v1/bundle?\(query)"
    }

    init?(query: [String: String]) {
        guard let seconds = query["since"].flatMap(Int64.init),
            let limit = query["limit"].flatMap(Int.init), Self.limits.contains(limit)
        else { return nil }
        since = .seconds(seconds)
        guard Self.spans.contains(since) else { return nil }
        self.limit = limit
        selection =
            query["tunnels"].map { .named($0.split(separator: "\0").map(String.init)) } ?? .all
    }
}
