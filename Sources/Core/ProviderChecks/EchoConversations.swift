import NetworkPrimitives

/// Echo Requests that left this host, or passed it: what answers them is no check.
struct EchoConversations: Sendable {
    private struct Conversation: Hashable, Sendable {
        var namespace: Int
        var source: IPAddress
        var destination: IPAddress
        var identifier: UInt16
    }

    private struct Pair: Hashable, Sendable {
        var namespace: Int
        var source: IPAddress
        var destination: IPAddress
    }

    /// A thousand tunnels that are probed every second begin some ten thousand a minute.
    static let limit = 65_536
    /// An answer later than this is no answer.
    private static let memory = Duration.seconds(60)
    /// Two hosts that ping each other now and then stay known as such.
    private static let pairMemory = Duration.seconds(600)

    private var conversations = AgeQueue<Conversation, MonotonicInstant>(limit: limit)
    private var pairs = AgeQueue<Pair, MonotonicInstant>(limit: limit)
    /// When one was forgotten for lack of room that would still count.
    private var overflowedAt: MonotonicInstant?

    var heldCount: Int { conversations.heldCount + pairs.heldCount }

    /// A request left by some device of a namespace.
    mutating func note(_ request: CheckObservation, in namespace: Int) {
        forget(before: request.at)
        let gone = conversations.renew(
            Conversation(
                namespace: namespace, source: request.source, destination: request.destination,
                identifier: request.identifier), request.at)
        if let gone, request.at - gone.value < Self.memory { overflowedAt = request.at }
        pairs.renew(
            Pair(namespace: namespace, source: request.source, destination: request.destination),
            request.at)
    }

    /// Forgets what no longer counts: on a host that pings much it would be all that there is room for.
    private mutating func forget(before now: MonotonicInstant) {
        while let oldest = conversations.oldest, now - oldest.value > Self.memory {
            conversations.removeOldest()
        }
        while let oldest = pairs.oldest, now - oldest.value > Self.pairMemory {
            pairs.removeOldest()
        }
    }

    /// Whether a request with these addresses and this identifier left within the last minute.
    func hasRequest(
        from source: IPAddress, to destination: IPAddress, identifier: UInt16,
        in namespace: Int, at now: MonotonicInstant
    ) -> Bool {
        guard
            let last = conversations[
                Conversation(
                    namespace: namespace, source: source, destination: destination,
                    identifier: identifier)]
        else { return false }
        return now - last <= Self.memory
    }

    /// Whether one of the two asked the other within the last ten minutes.
    func hasPair(
        from source: IPAddress, to destination: IPAddress, in namespace: Int,
        at now: MonotonicInstant
    ) -> Bool {
        guard let last = pairs[Pair(namespace: namespace, source: source, destination: destination)]
        else { return false }
        return now - last <= Self.pairMemory
    }

    /// Whether so many asked lately that some are forgotten.
    func isIncomplete(at now: MonotonicInstant) -> Bool {
        overflowedAt.map { now - $0 <= Self.memory } ?? false
    }
}
