internal import NIOCore
internal import NIOHTTP1

/// Sends one response from the task that made it, a piece at a time.
///
/// The next piece is sent when the kernel has taken the last one, so a connection never holds more
/// than one, and a client that does not read holds up nothing but its own task.
struct ResponseWriter: Sendable {
    let connection: NIOLoopBound<HTTPConnection>
    let eventLoop: any EventLoop

    private static let pieceByteCount = 64 * 1024

    /// Sends the response to a request.
    func send(_ response: HTTPResponse, to request: HTTPRequestHead) async {
        do {
            try await write(response, to: request)
        } catch {
            // The client went away or was cut off: the response has no reader any more.
            eventLoop.execute { connection.value.close() }
        }
    }

    private func write(_ response: HTTPResponse, to request: HTTPRequestHead) async throws {
        var head = HTTPResponseHead(
            version: request.version, status: HTTPResponseStatus(statusCode: response.status))
        for (name, value) in response.headers { head.headers.add(name: name, value: value) }
        // Framing is decided here alone: two opinions about it would desynchronize the client.
        for name in ["Content-Length", "Transfer-Encoding", "Connection"] {
            head.headers.remove(name: name)
        }
        if !head.headers.contains(name: "Date") {
            head.headers.add(name: "Date", value: httpDate())
        }

        let hasContent = response.status != 204 && response.status != 304
        let sendsContent = hasContent && request.method != .HEAD
        var keepAlive = request.isKeepAlive
        var rest: ArraySlice<UInt8> = []
        var stream: AsyncStream<[UInt8]>?
        switch response.body {
        case .bytes(let bytes):
            if hasContent { head.headers.add(name: "Content-Length", value: "\(bytes.count)") }
            if sendsContent { rest = bytes[...] }
        case .stream(let source):
            guard sendsContent else { break }  // Letting go of the stream cancels it.
            stream = source
            if request.version.minor > 0 {
                head.headers.add(name: "Transfer-Encoding", value: "chunked")
            } else {
                keepAlive = false  // HTTP/1.0 knows no chunks: the end of the connection ends it.
            }
        }

        try await begin(head, keepAlive: keepAlive, first: next(&rest), isStream: stream != nil)
        while !rest.isEmpty { try await send(next(&rest)) }
        if let stream {
            for await piece in stream {
                var rest = piece[...]
                while !rest.isEmpty { try await send(next(&rest)) }
            }
            // Without the last chunk the client can tell that this was not all.
            guard !Task.isCancelled else { throw CancellationError() }
        }
        let isKept = keepAlive
        eventLoop.execute { connection.value.finish(keepAlive: isKept) }
    }

    /// The next piece of the rest; empty when nothing is left.
    private func next(_ rest: inout ArraySlice<UInt8>) -> ByteBuffer {
        let piece = rest.prefix(Self.pieceByteCount)
        rest = rest.dropFirst(piece.count)
        return ByteBuffer(bytes: piece)
    }

    private func begin(
        _ head: HTTPResponseHead, keepAlive: Bool, first: ByteBuffer, isStream: Bool
    ) async throws {
        try await onLoop { connection in
            var head = head
            if !keepAlive || connection.isLastResponse {
                head.headers.replaceOrAdd(name: "Connection", value: "close")
            } else if head.version.minor == 0 {
                head.headers.replaceOrAdd(name: "Connection", value: "keep-alive")
            }
            return connection.begin(head, first: first, isStream: isStream)
        }
    }

    private func send(_ piece: ByteBuffer) async throws {
        try await onLoop { $0.send(piece) }
    }

    private func onLoop(
        _ operation: @escaping @Sendable (HTTPConnection) -> EventLoopFuture<Void>?
    ) async throws {
        let taken: EventLoopFuture<Void> = eventLoop.flatSubmit {
            let connection = connection.value
            guard let taken = operation(connection) else {
                return eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
            }
            return taken.assumeIsolated().map { connection.pieceWasTaken() }.nonisolated()
        }
        try await taken.get()
    }
}
