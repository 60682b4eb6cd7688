public import NetworkPrimitives

/// An event as the store keeps it; what its text means is not the store's business.
public struct StoredEvent: Hashable, Sendable {
    /// Its number, growing with each event; 0 before it is stored.
    public var id: Int64
    /// When it happened.
    public var at: WallTime
    /// Whose it is; empty for the host itself.
    public var tunnel: String
    /// What kind it is, for queries by kind.
    public var kind: String
    /// All there is to say of it.
    public var body: String

    /// Makes an event.
    public init(id: Int64 = 0, at: WallTime, tunnel: String, kind: String, body: String) {
        self.id = id
        self.at = at
        self.tunnel = tunnel
        self.kind = kind
        self.body = body
    }
}

/// What a minute of a tunnel came to; the store keeps one for each tunnel and minute.
public struct StoredMinute: Hashable, Sendable {
    /// When the minute began.
    public var at: WallTime
    /// Whose it is.
    public var tunnel: String
    /// All there is to say of it.
    public var body: String

    /// Makes a minute.
    public init(at: WallTime, tunnel: String, body: String) {
        self.at = at
        self.tunnel = tunnel
        self.body = body
    }
}

/// What is written as a whole or not at all.
public struct StoreBatch: Sendable {
    /// Events, in the order in which they get their numbers.
    public var events: [StoredEvent]
    /// Minutes; one that is there is replaced.
    public var minutes: [StoredMinute]
    /// When the agent was known to run; nil leaves it as it is.
    public var heartbeat: WallTime?

    /// Makes a batch.
    public init(
        events: [StoredEvent] = [], minutes: [StoredMinute] = [], heartbeat: WallTime? = nil
    ) {
        self.events = events
        self.minutes = minutes
        self.heartbeat = heartbeat
    }
}
