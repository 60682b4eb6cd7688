internal import NIOCore
internal import Synchronization

/// The open connections of one server, so that they can be limited and ended.
final class ConnectionRegistry: Sendable {
    /// What becomes of a new connection.
    enum Admission {
        case serve
        /// Too many are served: say so and close.
        case turnAway
        /// Too many are even being turned away.
        case drop
    }

    private struct Connections {
        var served: [ObjectIdentifier: any Channel] = [:]
        var turnedAway: Set<ObjectIdentifier> = []
        var isStopping = false
    }

    private let connections = Mutex(Connections())
    private let limit: Int
    private let turnedAwayLimit = 64

    init(limit: Int) {
        self.limit = limit
    }

    /// Decides about a new connection and remembers it until it closes.
    func admit(_ channel: any Channel) -> Admission {
        let id = ObjectIdentifier(channel)
        let admission = connections.withLock { connections -> Admission in
            if connections.isStopping { return .drop }
            if connections.served.count < limit {
                connections.served[id] = channel
                return .serve
            }
            guard connections.turnedAway.count < turnedAwayLimit else { return .drop }
            connections.turnedAway.insert(id)
            return .turnAway
        }
        if admission != .drop {
            channel.closeFuture.whenComplete { _ in
                self.connections.withLock {
                    $0.served[id] = nil
                    $0.turnedAway.remove(id)
                }
            }
        }
        return admission
    }

    /// Connections being served now.
    var servedCount: Int { connections.withLock { $0.served.count } }

    /// Admits no more and returns those that are still served.
    func stop() -> [any Channel] {
        connections.withLock {
            $0.isStopping = true
            return Array($0.served.values)
        }
    }
}

/// Answers 503 without reading a request, and closes.
final class TurnedAwayConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        let text = "503 too many connections\n"
        context.writeAndFlush(
            Self.wrapOutboundOut(
                ByteBuffer(
                    string: """
                        HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
                        Content-Length: \(text.utf8.count)\r\nRetry-After: 5\r\n\
                        Connection: close\r\n\r\n\(text)
                        """)),
            promise: nil)
        context.close(mode: .output, promise: nil)
        // The client gets a moment to read this; see HTTPConnection.drain().
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) {
            context.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
