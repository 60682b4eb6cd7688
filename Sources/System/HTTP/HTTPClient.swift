internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Asks an HTTP/1.1 server on a Unix socket, or on plain TCP, one request a connection.
public struct HTTPClient: Sendable {
    /// Where the server listens.
    public enum Server: Hashable, Sendable, CustomStringConvertible {
        /// A socket in the file system.
        case unix(path: String)
        /// An address or name and a port.
        case tcp(host: String, port: Int)

        /// The path, or "127.0.0.1:9817".
        public var description: String {
            switch self {
            case .unix(let path): path
            case .tcp(let host, let port):
                host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            }
        }
    }

    /// The server.
    public let server: Server

    /// How long connecting may take.
    public let connectTime: Duration

    /// Makes a client; nothing is sent yet.
    public init(_ server: Server, connectTime: Duration = .seconds(2)) {
        self.server = server
        self.connectTime = connectTime
    }

    /// Sends a request and returns when the response's head is here; the body follows as it comes.
    ///
    /// The connection closes when the body has been read or is let go, or the task is cancelled.
    ///
    /// - Parameters:
    ///   - method: What to do.
    ///   - target: Path and query, percent-encoded: "/api/v1/report?since=24h".
    ///   - headers: Fields to add to `Host`, `Connection` and the body's length.
    ///   - body: The request's content.
    ///   - responseTime: How long the server may take until the response's head; nil for no limit.
    /// - Returns: The response, whose body is still on its way.
    /// - Throws: `HTTPClientError`. A status of 400 or 500 is no error here.
    public func send(
        _ method: HTTPMethod, _ target: String, headers: [(name: String, value: String)] = [],
        body: [UInt8] = [], responseTime: Duration? = .seconds(30)
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        let channel = try await connect()
        var head = HTTPRequestHead(
            version: .http1_1, method: NIOHTTP1.HTTPMethod(rawValue: method.description),
            uri: target)
        head.headers.add(name: "Connection", value: "close")
        for (name, value) in headers { head.headers.add(name: name, value: value) }
        if !head.headers.contains(name: "Host") {
            let host =
                switch server {
                case .unix: "localhost"
                case .tcp: server.description
                }
            head.headers.add(name: "Host", value: host)
        }
        if !body.isEmpty { head.headers.add(name: "Content-Length", value: "\(body.count)") }

        let exchange = HTTPClientExchange.start(
            on: channel, server: server, head: head, body: body, responseTime: responseTime)
        do {
            let (head, body) = try await withTaskCancellationHandler {
                try await exchange.get()
            } onCancel: {
                channel.close(promise: nil)
            }
            return HTTPClientResponse(
                status: Int(head.status.code),
                headers: HTTPFields(head.headers.map { ($0.name, $0.value) }), body: body)
        } catch {
            channel.close(promise: nil)
            if Task.isCancelled { throw .cancelled }
            throw error as? HTTPClientError ?? .cutShort(server)
        }
    }

    private func connect() async throws(HTTPClientError) -> any Channel {
        let bootstrap = ClientBootstrap(group: HTTPEventLoops.group)
            .connectTimeout(TimeAmount(connectTime))
            // Read only when the body's reader wants more; see HTTPClientExchange.
            .channelOption(.autoRead, value: false)
        do {
            let channel =
                switch server {
                case .unix(let path):
                    try await bootstrap.connect(unixDomainSocketPath: path).get()
                case .tcp(let host, let port):
                    try await bootstrap.connect(host: host, port: port).get()
                }
            return channel
        } catch let error as IOError {
            throw .connecting(to: server, errno: error.errnoCode)
        } catch let error as NIOConnectionError {
            // One error for each address tried, or one of the resolver.
            for attempt in error.connectionErrors {
                if let error = attempt.error as? IOError {
                    throw .connecting(to: server, errno: error.errnoCode)
                }
                if case .connectTimeout? = attempt.error as? ChannelError {
                    throw .timedOut(server, after: connectTime)
                }
            }
            throw .unreachable(server, reason: "the name has no address")
        } catch ChannelError.connectTimeout {
            throw .timedOut(server, after: connectTime)
        } catch {
            throw .unreachable(server, reason: "\(error)")
        }
    }
}
