/// What a handler answers.
public struct HTTPResponse: Sendable {
    /// The content of a response.
    public enum Body: Sendable {
        /// All of it, sent with its length.
        case bytes([UInt8])
        /// Pieces as they come, sent chunked, each flushed at once.
        ///
        /// One piece is with the client at a time. When the client goes away, or stalls for longer
        /// than the limit, the stream is cancelled: its `onTermination` is called.
        case stream(AsyncStream<[UInt8]>)
    }

    /// The status code, 200 to 599.
    public var status: Int

    /// Header fields to send; length, framing, connection and date are added by the server.
    public var headers: [(name: String, value: String)]

    /// The content; for HEAD it is not sent, only its length.
    public var body: Body

    /// Makes a response.
    ///
    /// - Precondition: `status` is from 200 to 599.
    public init(status: Int, headers: [(name: String, value: String)] = [], body: Body) {
        precondition((200...599).contains(status), "\(status) is no final status code")
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A response of one piece with its content type.
    public static func bytes(
        _ bytes: [UInt8], contentType: String, status: Int = 200
    ) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [("Content-Type", contentType)], body: .bytes(bytes))
    }

    /// A line or more of plain text, UTF-8.
    public static func text(_ text: String, status: Int = 200) -> HTTPResponse {
        bytes(Array(text.utf8), contentType: "text/plain; charset=utf-8", status: status)
    }

    /// A response that streams, with its content type.
    public static func stream(
        _ stream: AsyncStream<[UInt8]>, contentType: String, status: Int = 200
    ) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: [("Content-Type", contentType)], body: .stream(stream))
    }
}
