internal import NIOCore
internal import NIOHTTP1

/// One request and its response on one connection.
final class HTTPClientExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart
    typealias Response = (head: HTTPResponseHead, body: HTTPClientBody)

    /// What the body's reader tells the connection.
    struct Reader: NIOAsyncSequenceProducerDelegate {
        let channel: any Channel
        let exchange: NIOLoopBound<HTTPClientExchange>

        func produceMore() {
            channel.eventLoop.execute {
                exchange.value.mayRead = true
                channel.read()
            }
        }

        func didTerminate() { channel.close(promise: nil) }
    }

    private let server: HTTPClient.Server
    private let response: EventLoopPromise<Response>
    private var source: HTTPClientBody.Source.Source?
    private var deadline: Scheduled<Void>?
    private var mayRead = true

    private init(server: HTTPClient.Server, response: EventLoopPromise<Response>) {
        self.server = server
        self.response = response
    }

    /// Sends the request; the future is done when the response's head is here.
    static func start(
        on channel: any Channel, server: HTTPClient.Server, head: HTTPRequestHead, body: [UInt8],
        responseTime: Duration?
    ) -> EventLoopFuture<Response> {
        channel.eventLoop.flatSubmit {
            let promise = channel.eventLoop.makePromise(of: Response.self)
            let exchange = HTTPClientExchange(server: server, response: promise)
            do {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                try channel.pipeline.syncOperations.addHandler(exchange)
            } catch {
                promise.fail(HTTPClientError.cutShort(server))  // It was closed meanwhile.
                return promise.futureResult
            }
            if let responseTime {
                exchange.deadline = channel.eventLoop.assumeIsolated().scheduleTask(
                    in: TimeAmount(responseTime)
                ) {
                    exchange.end(.timedOut(server, after: responseTime))
                    channel.close(promise: nil)
                }
            }
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            if !body.isEmpty {
                let buffer = IOData.byteBuffer(ByteBuffer(bytes: body))
                channel.write(HTTPClientRequestPart.body(buffer), promise: nil)
            }
            // A write that fails closes the connection, which ends the exchange. But a server may
            // refuse a request before it has read all of it: then the answer still counts.
            channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
            channel.read()
            // Closed before the handlers were there, which therefore will not hear of it.
            if !channel.isActive { exchange.end(.cutShort(server)) }
            return promise.futureResult
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head):
            deadline?.cancel()
            deadline = nil
            let made = HTTPClientBody.Source.makeSequence(
                elementType: [UInt8].self,
                backPressureStrategy: .init(lowWatermark: 2, highWatermark: 8),
                finishOnDeinit: true,
                delegate: Reader(
                    channel: context.channel,
                    exchange: NIOLoopBound(self, eventLoop: context.eventLoop)))
            source = made.source
            response.succeed((head, HTTPClientBody(pieces: made.sequence)))
        case .body(let part):
            guard part.readableBytes > 0, let source else { return }
            switch source.yield(Array(part.readableBytesView)) {
            case .produceMore: mayRead = true
            case .stopProducing, .dropped: mayRead = false
            }
        case .end:
            source?.finish()
            source = nil
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if mayRead { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.cutShort(server))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error as? HTTPParserError {
        case .invalidEOFState, .closedConnection: end(.cutShort(server))
        case .some: end(.malformedResponse(server))
        case nil: break  // The transport failed: closing it says so.
        }
        context.close(promise: nil)
    }

    /// Fails whatever the caller waits for; later calls change nothing.
    private func end(_ error: HTTPClientError) {
        deadline?.cancel()
        deadline = nil
        response.fail(error)
        source?.finish(error)
        source = nil
    }
}
