/// What a cooperating far end says it received; see `probe reflect`.
public struct Receipt: Hashable, Sendable {
    /// Unsolicited Echo Replies that arrived.
    public var replies: UInt32
    /// Echo Requests that arrived.
    public var requests: UInt32

    /// Makes a receipt.
    public init(replies: UInt32, requests: UInt32) {
        self.replies = replies
        self.requests = requests
    }
}
