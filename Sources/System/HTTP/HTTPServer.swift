internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// Serves HTTP/1.1 and 1.0 on one endpoint.
///
///     var router = HTTPRouter()
///     router.on(.get, "/metrics") { _ in .bytes(render(), contentType: "text/plain") }
///     let server = HTTPServer(
///         endpoint: .tcp(host: "127.0.0.1", port: 9817), handler: router.respond)
///     try await server.start()
///
/// One instance is started once and stopped once. Each connection's requests are answered in order,
/// each by a task of its own on the concurrency pool; connections do not wait for each other. The
/// task is cancelled when the client goes away.
public final class HTTPServer: Sendable {
    /// The endpoint as it was asked for; see `boundPort` for the port the kernel chose.
    public let endpoint: HTTPEndpoint

    private let limits: HTTPLimits
    private let security: WebSecurity?
    private let respond: HTTPRouter.Handler
    private let registry: ConnectionRegistry
    private let state = Mutex(State.new)

    private enum State {
        case new
        case starting
        case running(any Channel, UnixListener?)
        case stopped
    }

    /// Makes a server that does not listen yet.
    ///
    /// - Parameters:
    ///   - endpoint: Where to listen.
    ///   - limits: What one client may take.
    ///   - security: TLS, passwords and headers, for TCP only: a Unix socket is guarded by its
    ///     mode and group.
    ///   - handler: Answers each request. It runs concurrently with itself and should end soon
    ///     after its task is cancelled.
    public init(
        endpoint: HTTPEndpoint, limits: HTTPLimits = HTTPLimits(), security: WebSecurity? = nil,
        handler: @escaping HTTPRouter.Handler
    ) {
        self.endpoint = endpoint
        self.limits = limits
        registry = ConnectionRegistry(limit: limits.connectionCount)
        switch endpoint {
        case .unix: self.security = nil
        case .tcp: self.security = security
        }
        guard let security = self.security else {
            respond = handler
            return
        }
        respond = { request in
            await security.answer(request, with: handler)
        }
    }

    /// Begins to listen.
    ///
    /// - Throws: `HTTPServerError` that says what is in the way; the server cannot be started again.
    public func start() async throws(HTTPServerError) {
        let isFirst = state.withLock { state in
            guard case .new = state else { return false }
            state = .starting
            return true
        }
        guard isFirst else { throw .alreadyStarted }
        do throws(HTTPServerError) {
            let (channel, listener) = try await listen()
            let wasStopped = state.withLock { state in
                guard case .starting = state else { return true }
                state = .running(channel, listener)
                return false
            }
            if wasStopped { await close(channel, listener) }
        } catch {
            state.withLock { $0 = .stopped }
            throw error
        }
    }

    /// The TCP port, once started; nil for a Unix socket.
    public var boundPort: Int? {
        state.withLock {
            guard case .running(let channel, _) = $0 else { return nil }
            return channel.localAddress?.port
        }
    }

    /// The connections that are being served now.
    public var connectionCount: Int { registry.servedCount }

    /// Stops listening, lets running responses end for `HTTPLimits.stopTime`, and closes the rest.
    ///
    /// A Unix socket's file is removed first, so that the next process finds the place free.
    public func stop() async {
        let running = state.withLock { state -> (any Channel, UnixListener?)? in
            defer { state = .stopped }
            guard case .running(let channel, let listener) = state else { return nil }
            return (channel, listener)
        }
        guard let (channel, listener) = running else { return }
        await close(channel, listener)
    }

    // MARK: - Private

    private func close(_ channel: any Channel, _ listener: UnixListener?) async {
        listener?.unlink()
        // The only failure is that it is closed already.
        await withCheckedContinuation { continuation in
            channel.close().whenComplete { _ in continuation.resume() }
        }
        let connections = registry.stop()
        for connection in connections {
            connection.pipeline.fireUserInboundEventTriggered(HTTPServerStopping())
        }
        let forced = HTTPEventLoops.group.next().scheduleTask(in: TimeAmount(limits.stopTime)) {
            for connection in connections { connection.close(promise: nil) }
        }
        for connection in connections {
            await withCheckedContinuation { continuation in
                connection.closeFuture.whenComplete { _ in continuation.resume() }
            }
        }
        forced.cancel()
    }

    private func listen() async throws(HTTPServerError) -> (any Channel, UnixListener?) {
        // One loop for the listener and its connections: the control socket and the scrape port
        // do not share theirs, so TLS handshakes never hold up `probe status`.
        let loop = HTTPEventLoops.group.next()
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // A read of bounded size per turn, so that one connection cannot hold up the others.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16384)
            )
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture { try setUp(channel) }
            }
        switch endpoint {
        case .tcp(let host, let port):
            do {
                return (
                    try await bootstrap.childChannelOption(
                        .tcpOption(.tcp_nodelay), value: 1
                    ).bind(host: host, port: port).get(), nil
                )
            } catch let error as IOError {
                throw .from(errno: error.errnoCode, operation: "bind", endpoint: endpoint)
            } catch {
                throw .addressNotAvailable(endpoint: endpoint)  // The name has no address.
            }
        case .unix(let path, let mode, let group):
            let listener = try UnixListener(path: path, mode: mode, group: group)
            do {
                return (try await bootstrap.withBoundSocket(listener.descriptor).get(), listener)
            } catch {
                listener.unlink()
                let code = (error as? IOError)?.errnoCode ?? EIO
                throw .from(errno: code, operation: "listen", endpoint: endpoint)
            }
        }
    }

    /// Puts the handlers of a new connection in place.
    private func setUp(_ channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        switch registry.admit(channel) {
        case .drop: throw ChannelError.operationUnsupported
        case .turnAway:
            // Over TLS a word to the client would cost a handshake, which is what is short.
            guard security?.usesTLS != true else { throw ChannelError.operationUnsupported }
            try pipeline.addHandler(TurnedAwayConnection())
            return
        case .serve: break
        }
        if let handler = security?.makeTLSHandler() { try pipeline.addHandler(handler) }
        var parserLimits = NIOHTTPDecoderLimitConfiguration()
        parserLimits.maxHeaderFieldSize = limits.headerByteCount
        parserLimits.maxHeaderListSize = limits.headerByteCount
        var framing = HTTPResponseEncoder.Configuration()
        framing.automaticallySetFramingHeaders = false  // ResponseWriter knows about HEAD.
        let connection = HTTPConnection(limits: limits, peer: peer(of: channel), respond: respond)
        try pipeline.addHandlers(
            RequestGuard(connection: connection),
            HTTPResponseEncoder(configuration: framing),
            ByteToMessageHandler(
                HTTPRequestDecoder(
                    leftOverBytesStrategy: .dropBytes, limitConfiguration: parserLimits)),
            HTTPServerPipelineHandler(),
            NIOHTTPResponseHeadersValidator(),
            connection)
    }

    private func peer(of channel: any Channel) -> HTTPPeer {
        switch endpoint {
        case .tcp:
            guard let address = channel.remoteAddress, let host = address.ipAddress,
                let port = address.port
            else { return .unknown }
            return .network(host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
        case .unix: return unixPeer(of: channel)
        }
    }
}

/// The event loops of this process's servers and clients: two threads, never shut down, so that no
/// late task can find its loop gone.
enum HTTPEventLoops {
    static let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
}

extension TimeAmount {
    /// The same time; saturates at 292 years.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        self = .nanoseconds(overflow ? .max : product &+ attoseconds / 1_000_000_000)
    }
}
