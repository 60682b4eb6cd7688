internal import NIOSSL
internal import Synchronization

/// TLS, passwords and response headers of a TCP server, from a web configuration file.
///
/// The file has exporter-toolkit's format, which Prometheus' own exporters share. Certificate and
/// key files are looked at before every handshake and loaded anew when they have changed; the
/// configuration file itself is read again by `reload()`.
public final class WebSecurity: Sendable {
    private struct Settings {
        var tls: TLSCredentials?
        var authentication: BasicAuthentication?
        var headers: [(name: String, value: String)]
    }

    /// The web configuration file.
    public let path: String

    private let settings: Mutex<Settings>

    /// Reads a web configuration file and the certificates it names.
    ///
    /// - Throws: `WebConfigurationError` with the line of the mistake.
    public init(path: String) throws(WebConfigurationError) {
        self.path = path
        settings = Mutex(try Self.read(path))
    }

    /// Reads the file and the certificates again, for connections and requests from now on.
    ///
    /// - Throws: `WebConfigurationError`; what was in force then stays in force.
    public func reload() throws(WebConfigurationError) {
        let new = try Self.read(path)
        settings.withLock { $0 = new }
    }

    /// Whether connections are encrypted, so the scheme is `https`.
    public var usesTLS: Bool { settings.withLock { $0.tls != nil } }

    /// Why certificate files that have changed on disk are not in use; nil when all is well.
    public var certificateError: WebConfigurationError? { settings.withLock { $0.tls }?.error }

    /// The handler that makes a new connection TLS; nil for plain HTTP.
    func makeTLSHandler() -> NIOSSLServerHandler? {
        settings.withLock { $0.tls }?.makeHandler()
    }

    /// Lets the handler answer those who may ask, and adds the configured headers.
    func answer(
        _ request: HTTPRequest, with handler: HTTPRouter.Handler
    ) async -> HTTPResponse {
        let (authentication, headers) = settings.withLock { ($0.authentication, $0.headers) }
        var response: HTTPResponse
        switch await authentication?.check(request.headers["Authorization"], from: request.peer) {
        case nil, .accepted: response = await handler(request)
        case .denied:
            response = .text("401 a name and its password are needed\n", status: 401)
            response.headers.append(
                ("WWW-Authenticate", "Basic realm=\"tunnel-probe\", charset=\"UTF-8\""))
        case .busy:
            response = .text("503 too many passwords to check\n", status: 503)
            response.headers.append(("Retry-After", "1"))
        }
        response.headers += headers
        return response
    }

    private static func read(_ path: String) throws(WebConfigurationError) -> Settings {
        let text: [UInt8]
        do {
            text = try readFile(path, limit: 1 << 20)
        } catch {
            throw WebConfigurationError(path: path, line: nil, column: nil, reason: error.reason)
        }
        let configuration = try WebConfiguration(parsing: text, path: path)
        var tls: TLSCredentials?
        if let settings = configuration.tls {
            tls = try TLSCredentials(settings, path: path)
        }
        return Settings(
            tls: tls,
            authentication: configuration.users.isEmpty
                ? nil : BasicAuthentication(users: configuration.users),
            headers: configuration.headers)
    }
}
