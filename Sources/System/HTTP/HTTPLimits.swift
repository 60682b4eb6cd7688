/// What one client may take, so that no client can harm another.
public struct HTTPLimits: Sendable {
    /// Request line and header fields together, in bytes; more is answered 431.
    public var headerByteCount = 16 * 1024

    /// A request's body in bytes; more is answered 413.
    public var bodyByteCount = 1024 * 1024

    /// From a request's first byte to its last, TLS handshake included; slower is answered 408.
    ///
    /// On a new connection it runs from the accept.
    public var requestTime = Duration.seconds(10)

    /// How long a connection may stay open between requests.
    public var idleTime = Duration.seconds(60)

    /// How long a client may leave one piece of a response (64 KiB at most) unread.
    public var writeStallTime = Duration.seconds(15)

    /// Connections served at the same time; more are answered 503 and closed.
    public var connectionCount = 256

    /// How long `HTTPServer.stop()` lets running responses go on.
    public var stopTime = Duration.seconds(2)

    /// The defaults, which suit a host that a few scrapers and people look at.
    public init() {}
}
