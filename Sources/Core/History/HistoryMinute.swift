public import NetworkPrimitives

/// What one minute of a tunnel came to.
public struct HistoryMinute: Equatable, Sendable {
    /// When the minute began; a whole minute of Unix time.
    public var at: WallTime
    /// Whose it is.
    public var tunnel: String
    /// Probes that the state comes from: sent and decided.
    public var sent = 0
    /// Those of them that were lost.
    public var lost = 0
    /// Probes of the underlay: sent and decided.
    public var outsideSent = 0
    /// Those of them that were lost.
    public var outsideLost = 0
    /// Milliseconds in each state; what is left of 60 000 was not watched.
    public var healthy = 0
    /// See `healthy`.
    public var degraded = 0
    /// See `healthy`.
    public var down = 0
    /// See `healthy`.
    public var unknown = 0

    /// A minute of which nothing is known.
    public init(at: WallTime, tunnel: String) {
        self.at = at
        self.tunnel = tunnel
    }

    /// Milliseconds that were watched, at most 60 000.
    public var watched: Int { min(60_000, healthy + degraded + down + unknown) }
}

/// Where a history is read from.
public protocol HistorySource {
    /// What reading can fail with.
    associatedtype Failure: Error

    /// Events of a time, oldest first; `tunnel` nil for all, the host's own included.
    func events(
        _ times: ClosedRange<WallTime>, of tunnel: String?
    ) throws(Failure) -> [HistoryEvent]
    /// Minutes of a tunnel that began in a time, oldest first.
    func minutes(_ times: ClosedRange<WallTime>, of tunnel: String) throws(Failure)
        -> [HistoryMinute]
    /// The tunnels that anything is kept of.
    func tunnels() throws(Failure) -> [String]
    /// The latest state that a tunnel had before a moment; nil where none is kept.
    func state(of tunnel: String, before: WallTime) throws(Failure) -> String?
}
