public import NetworkPrimitives

/// Says when a path's MTU has to be searched again.
public struct PathMTUWatch: Sendable {
    /// Why a search is due.
    public enum Cause: Hashable, Sendable {
        /// The interval has passed, or there was none yet.
        case interval
        /// The path changed.
        case pathChanged
        /// Packets of the size found last no longer come through.
        case largePacketsVanish
    }

    /// What is due.
    public enum Action: Hashable, Sendable {
        /// Start a search.
        case search(Cause)
        /// Send one Echo Request of this size, in octets of the IP packet.
        case confirm(number: UInt64, byteCount: Int)
    }

    /// Starts a watch whose first search is due at once.
    public init(interval: Duration, start: MonotonicInstant) { deadline = start }

    /// When to call `advance` next at the latest.
    public private(set) var deadline: MonotonicInstant

    /// Does everything that is due at `now`.
    public mutating func advance(to now: MonotonicInstant, into actions: inout [Action]) {}

    /// Notes what a search found.
    public mutating func searched(_ report: PathMTUReport, at instant: MonotonicInstant) {}

    /// Notes what became of a confirmation: answered, silent, or nil when it was not sent.
    public mutating func confirmed(
        _ number: UInt64, isAnswered: Bool?, at instant: MonotonicInstant
    ) {}

    /// Notes that the path changed: its routers, its route, its device or its SA.
    public mutating func pathChanged(at instant: MonotonicInstant) {}

    /// Notes that large packets of others vanish where small ones pass.
    public mutating func largePacketsVanish(at instant: MonotonicInstant) {}
}
