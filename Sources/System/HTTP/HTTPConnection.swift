internal import NIOCore
internal import NIOHTTP1

/// One client's connection: gathers requests, has them answered one after the other, and cuts the
/// client off where it exceeds a limit.
///
/// Everything here runs on the connection's event loop. `HTTPServerPipelineHandler` stands before
/// it, so a request's head comes only after the previous response has been written.
final class HTTPConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Phase {
        /// Between requests.
        case idle
        /// Some bytes of a request are here, its head is not complete.
        case head
        /// The head is complete, the body is not.
        case body(HTTPRequestHead, [UInt8])
        /// A complete request is being answered.
        case responding
        /// The last response is being sent, or has been; input is thrown away.
        case draining
    }

    /// What may be taken in of further requests, in bytes, while one is being answered.
    private static let pipelinedByteCount = 32 * 1024

    private let limits: HTTPLimits
    private let peer: HTTPPeer
    private let respond: HTTPRouter.Handler

    private var context: ChannelHandlerContext?
    /// The guard's place in the pipeline, where bytes go out as they are.
    var output: ChannelHandlerContext?
    private var phase = Phase.head  // A new connection owes its first request from the accept on.
    private var deadline: Scheduled<Void>?
    private var unparsedByteCount = 0
    private var inputHasEnded = false
    private var isStopping = false
    private var isStreaming = false
    private var work: Task<Void, Never>?

    init(limits: HTTPLimits, peer: HTTPPeer, respond: @escaping HTTPRouter.Handler) {
        self.limits = limits
        self.peer = peer
        self.respond = respond
    }

    // MARK: - Events of the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        startDeadline(limits.requestTime)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended()
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    private func ended() {
        deadline?.cancel()
        deadline = nil
        work?.cancel()
        work = nil
        context = nil
        output = nil
        phase = .draining
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head): headArrived(head)
        case .body(let part): bodyArrived(part)
        case .end: requestEnded()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is HTTPServerStopping else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        isStopping = true
        switch phase {
        case .idle, .head, .body: close()
        case .responding, .draining: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            close()  // The transport or TLS failed: nothing can be said to the client.
            return
        }
        switch error {
        case .headerOverflow: refuse(431, "the request's header is too large")
        // The client went away in the middle of a request.
        case .invalidEOFState, .closedConnection: close()
        default: refuse(400, "malformed request")
        }
    }

    // MARK: - Events of the guard

    /// Whether the parser shall see these bytes.
    func admits(byteCount: Int) -> Bool {
        switch phase {
        case .draining: return false
        case .idle:
            phase = .head
            startDeadline(limits.requestTime)
        case .head, .body, .responding: break
        }
        unparsedByteCount += byteCount
        // While a response is under way the pipeline handler stops reading, but the end of input
        // makes NIO read all that the kernel holds, which can be a great many little requests.
        // Not all of them can be answered then, so this response is the last.
        if case .responding = phase, unparsedByteCount > Self.pipelinedByteCount {
            isStopping = true
            return false
        }
        return true
    }

    /// Refuses a head that has grown over the limit and is still not complete.
    func bytesWereParsed() {
        if case .head = phase, unparsedByteCount > limits.headerByteCount {
            refuse(431, "the request's header is over \(limits.headerByteCount) bytes")
        }
    }

    /// The client sends no more.
    ///
    /// It may still read, so a response under way goes on; but work that
    /// a client no longer waits for is cancelled, and a stream ends.
    func inputEnded() {
        inputHasEnded = true
        switch phase {
        case .responding:
            work?.cancel()
            if isStreaming { close() }
        case .idle, .head, .body, .draining: close()
        }
    }

    // MARK: - Request

    private func headArrived(_ head: HTTPRequestHead) {
        if case .draining = phase { return }
        unparsedByteCount = 0
        // Released by the end of the previous response: its time begins now.
        if case .idle = phase { startDeadline(limits.requestTime) }
        phase = .body(head, [])
        let byteCount = head.headers.reduce(head.uri.utf8.count) {
            $0 + $1.name.utf8.count + $1.value.utf8.count + ": \r\n".utf8.count
        }
        guard byteCount <= limits.headerByteCount else {
            refuse(431, "the request's header is over \(limits.headerByteCount) bytes")
            return
        }
        guard head.version.major == 1 else {
            refuse(505, "this server speaks HTTP/1.1 and HTTP/1.0")
            return
        }
        // RFC 9112 §3.2: a server MUST respond with 400 to a 1.1 request without Host.
        guard head.version.minor == 0 || head.headers[canonicalForm: "host"].count == 1 else {
            refuse(400, "an HTTP/1.1 request has exactly one Host header")
            return
        }
        if let length = head.headers.first(name: "content-length").flatMap(Int.init),
            length > limits.bodyByteCount
        {
            refuse(413, "the body is over \(limits.bodyByteCount) bytes")
            return
        }
        if head.version.minor > 0,
            head.headers[canonicalForm: "expect"].contains(where: {
                $0.lowercased() == "100-continue"
            })
        {
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context?.writeAndFlush(Self.wrapOutboundOut(.head(head)), promise: nil)
        }
    }

    private func bodyArrived(_ part: ByteBuffer) {
        guard case .body(let head, var bytes) = phase else { return }
        phase = .idle  // Gives up the second reference, so that the append does not copy.
        bytes.append(contentsOf: part.readableBytesView)
        phase = .body(head, bytes)
        guard bytes.count <= limits.bodyByteCount else {
            refuse(413, "the body is over \(limits.bodyByteCount) bytes")
            return
        }
    }

    private func requestEnded() {
        guard case .body(let head, let body) = phase, let context else { return }
        unparsedByteCount = 0
        deadline?.cancel()
        deadline = nil
        guard let target = RequestTarget(head.uri) else {
            refuse(400, "the request's path is not valid")
            return
        }
        phase = .responding
        let request = HTTPRequest(
            method: HTTPMethod(head.method.rawValue), path: target.path, query: target.query,
            headers: HTTPFields(head.headers.map { ($0.name, $0.value) }), body: body, peer: peer)
        let writer = ResponseWriter(
            connection: NIOLoopBound(self, eventLoop: context.eventLoop),
            eventLoop: context.eventLoop)
        let respond = respond
        work = Task {
            let response = await respond(request)
            await writer.send(response, to: head)
        }
    }

    // MARK: - Response

    /// Begins the response and returns when its head can be followed by content.
    func begin(
        _ head: HTTPResponseHead, first: ByteBuffer?, isStream: Bool
    ) -> EventLoopFuture<Void>? {
        guard case .responding = phase, let context else { return nil }
        // A stream whose client has already gone would only be found out by writing.
        guard !(isStream && inputHasEnded) else {
            close()
            return nil
        }
        isStreaming = isStream
        context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
        return flush(first)
    }

    /// Sends a piece of content; the future is done when the kernel has taken all of it.
    func send(_ piece: ByteBuffer) -> EventLoopFuture<Void>? {
        guard case .responding = phase else { return nil }
        return flush(piece)
    }

    private func flush(_ piece: ByteBuffer?) -> EventLoopFuture<Void>? {
        guard let context else { return nil }
        startDeadline(limits.writeStallTime)
        let promise = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(
            Self.wrapOutboundOut(.body(.byteBuffer(piece ?? ByteBuffer()))), promise: promise)
        return promise.futureResult
    }

    /// The piece was taken: the client reads.
    func pieceWasTaken() {
        guard case .responding = phase else { return }
        deadline?.cancel()
        deadline = nil
    }

    /// Whether the connection will close after this response, though the client did not ask for it.
    var isLastResponse: Bool { isStopping }

    /// Ends the response and waits for the next request, or closes.
    func finish(keepAlive: Bool) {
        guard case .responding = phase, let context else { return }
        work = nil
        isStreaming = false
        guard keepAlive, !isStopping else {
            phase = .draining
            context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
            drain()
            return
        }
        phase = .idle
        startDeadline(limits.idleTime)
        // Writing the end releases the next request, if the client has sent it already: it is
        // handled inside this call.
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
        if inputHasEnded {
            switch phase {
            case .responding, .draining: break
            case .idle, .head, .body: close()
            }
        }
    }

    /// Cuts the connection, with whatever has not been sent.
    func close() {
        phase = .draining
        deadline?.cancel()
        deadline = nil
        work?.cancel()
        context?.close(promise: nil)
    }

    /// Answers a request that was not understood or goes too far, and closes.
    private func refuse(_ status: Int, _ reason: String) {
        switch phase {
        case .responding, .draining: return
        case .idle, .head, .body: phase = .draining
        }
        let text = "\(status) \(reason)\n"
        let phrase = HTTPResponseStatus(statusCode: status).reasonPhrase
        // Past the pipeline handler, which takes a response for a mistake while it has not seen
        // the head of a request; nothing else is being written now.
        output?.writeAndFlush(
            NIOAny(
                ByteBuffer(
                    string: """
                        HTTP/1.1 \(status) \(phrase)\r\nContent-Type: text/plain; charset=utf-8\r\n\
                        Content-Length: \(text.utf8.count)\r\nConnection: close\r\n\
                        Date: \(httpDate())\r\n\r\n\(text)
                        """)),
            promise: nil)
        drain()
    }

    /// Closes our side and waits a moment for the client to close its.
    ///
    /// > If a server performs an immediate close of a TCP connection, there is a significant risk
    /// > that the client will not be able to read the last HTTP response. (RFC 9112 §9.6)
    private func drain() {
        context?.close(mode: .output, promise: nil)
        if inputHasEnded {
            close()
        } else {
            startDeadline(.seconds(1))
        }
    }

    // MARK: - Deadlines

    private func startDeadline(_ time: Duration) {
        deadline?.cancel()
        guard let context else { return }
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(time)) {
            self.deadlinePassed()
        }
    }

    private func deadlinePassed() {
        deadline = nil
        switch phase {
        case .head where unparsedByteCount > 0, .body:
            refuse(408, "the request was not complete in time")
        // Nothing was asked, or the client does not read: there is nobody to tell.
        case .idle, .head, .responding, .draining: close()
        }
    }
}

/// Tells a connection that its server stops: after the response under way, if any, it closes.
struct HTTPServerStopping: Sendable {}
