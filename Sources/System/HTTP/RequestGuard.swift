internal import NIOCore

/// The first handler of a connection, which sees bytes before the parser does.
///
/// The parser reports a head only when it is complete, so a client that sends one forever can be
/// noticed only here. And the end of input must not wait behind the response that
/// `HTTPServerPipelineHandler` is holding requests back for: it is what cancels that response.
final class RequestGuard: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let connection: HTTPConnection

    init(connection: HTTPConnection) {
        self.connection = connection
    }

    func handlerAdded(context: ChannelHandlerContext) {
        connection.output = context
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard connection.admits(byteCount: Self.unwrapInboundIn(data).readableBytes) else { return }
        context.fireChannelRead(data)
        connection.bytesWereParsed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: connection.inputEnded()
        default: context.fireUserInboundEventTriggered(event)
        }
    }
}
