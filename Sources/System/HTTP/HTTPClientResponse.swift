internal import NIOCore

/// A response whose body may still be on its way.
public struct HTTPClientResponse: Sendable {
    /// The status code.
    public let status: Int

    /// The header fields.
    public let headers: HTTPFields

    /// The content, in the pieces in which it came; may be read once.
    public let body: HTTPClientBody
}

/// The content of a response as it arrives.
///
/// Reading is what draws more from the server: a slow reader slows the sender down. To let go of it
/// before its end closes the connection.
public struct HTTPClientBody: AsyncSequence, Sendable {
    /// A piece of the content, not empty.
    public typealias Element = [UInt8]
    /// Why the content ended early.
    public typealias Failure = HTTPClientError

    typealias Source = NIOThrowingAsyncSequenceProducer<
        [UInt8], any Error, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark,
        HTTPClientExchange.Reader
    >

    let pieces: Source

    /// Reads the pieces in order.
    public struct AsyncIterator: AsyncIteratorProtocol {
        var pieces: Source.AsyncIterator

        /// The next piece; nil at the end.
        ///
        /// - Throws: `HTTPClientError.cutShort` when the connection ends before the content does,
        ///   `.cancelled` when the task is cancelled.
        public mutating func next() async throws(HTTPClientError) -> [UInt8]? {
            do {
                if let piece = try await pieces.next() { return piece }
            } catch let error as HTTPClientError {
                throw error
            } catch {
                throw .cancelled  // The producer's only other error.
            }
            if Task.isCancelled { throw .cancelled }
            return nil
        }
    }

    /// Begins to read.
    ///
    /// - Precondition: the content has not been read before.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(pieces: pieces.makeAsyncIterator())
    }

    /// All of the content at once.
    ///
    /// - Throws: `HTTPClientError.bodyTooLarge` when it is over `limit` bytes; else as reading does.
    public func collect(upTo limit: Int) async throws(HTTPClientError) -> [UInt8] {
        var all: [UInt8] = []
        for try await piece in self {
            guard all.count + piece.count <= limit else { throw .bodyTooLarge(limit: limit) }
            all += piece
        }
        return all
    }
}
