public import NetworkPrimitives

/// Says when a path's MTU has to be searched again.
///
/// A search is due at every interval and at once when the path changes. In between, one packet a
/// minute of the size found last tells whether it still passes (RFC 8899 §5.3, the probe of a
/// confirmed size); three misses in a row start a search from the base.
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
        /// Send one Echo Request of this size, in octets of the IP packet, and say what became of it.
        case confirm(number: UInt64, byteCount: Int)
    }

    /// Between two confirmations while they are answered.
    public static let confirmationInterval = Duration.seconds(60)
    /// Between a miss and the next try, so that a moment's loss does not take all.
    public static let retryInterval = Duration.seconds(5)
    /// Misses in a row that start a search.
    public static let missesAllowed = 3
    /// The least time between the starts of two searches, whatever happens: news that do not end,
    /// like a path that flaps, cost no more than this.
    public static let leastInterval = Duration.seconds(30)

    private let interval: Duration
    /// The cause of the search that is due next, where it is not the interval.
    private var cause = Cause.interval
    private var nextSearch: MonotonicInstant
    private var lastSearch: MonotonicInstant?
    private var isSearching = false
    /// The size found last; nil while none is, and where the target does not answer.
    private var size: Int?
    private var nextConfirmation = MonotonicInstant.distantFuture
    private var awaited: UInt64?
    private var misses = 0
    private var confirmations: UInt64 = 0

    /// Starts a watch whose first search is due at once.
    public init(interval: Duration, start: MonotonicInstant) {
        precondition(interval > .zero, "an interval is positive")
        self.interval = interval
        nextSearch = start
    }

    /// When to call `advance` next at the latest; `distantFuture` while a search runs.
    public var deadline: MonotonicInstant {
        guard !isSearching else { return .distantFuture }
        return min(nextSearch, awaited == nil ? nextConfirmation : .distantFuture)
    }

    /// Does everything that is due at `now`.
    public mutating func advance(to now: MonotonicInstant, into actions: inout [Action]) {
        guard !isSearching else { return }
        if nextSearch <= now {
            actions.append(.search(cause))
            cause = .interval
            isSearching = true
            lastSearch = now
            awaited = nil
            return
        }
        guard let size, awaited == nil, nextConfirmation <= now else { return }
        awaited = confirmations
        actions.append(.confirm(number: confirmations, byteCount: size))
        confirmations += 1
    }

    /// Notes what a search found.
    public mutating func searched(_ report: PathMTUReport, at instant: MonotonicInstant) {
        guard isSearching else { return }
        isSearching = false
        misses = 0
        // A size that only routers vouch for cannot be confirmed by the target.
        size = report.provenDistance == nil ? report.bytes : nil
        nextConfirmation =
            size == nil ? .distantFuture : instant + Self.confirmationInterval
        // News that came meanwhile are about the path after the search had begun.
        nextSearch =
            cause == .interval
            ? (lastSearch ?? instant) + interval : earliest(instant)
        nextSearch = max(nextSearch, instant)
    }

    /// Notes what became of a confirmation: answered, silent, or nil when it was not sent.
    public mutating func confirmed(
        _ number: UInt64, isAnswered: Bool?, at instant: MonotonicInstant
    ) {
        guard number == awaited else { return }
        awaited = nil
        switch isAnswered {
        case true?:
            misses = 0
            nextConfirmation = instant + Self.confirmationInterval
        case nil: nextConfirmation = instant + Self.confirmationInterval
        case false?:
            misses += 1
            nextConfirmation = instant + Self.retryInterval
            if misses >= Self.missesAllowed {
                misses = 0
                nextConfirmation = .distantFuture
                demand(.largePacketsVanish, at: instant)
            }
        }
    }

    /// Notes that the path changed: its routers, its route, its device or its SA.
    public mutating func pathChanged(at instant: MonotonicInstant) {
        demand(.pathChanged, at: instant)
    }

    /// Notes that large packets of others vanish where small ones pass.
    public mutating func largePacketsVanish(at instant: MonotonicInstant) {
        demand(.largePacketsVanish, at: instant)
    }

    private mutating func demand(_ cause: Cause, at instant: MonotonicInstant) {
        self.cause = cause
        // While a search runs, another one follows it.
        if !isSearching { nextSearch = min(nextSearch, earliest(instant)) }
    }

    private func earliest(_ instant: MonotonicInstant) -> MonotonicInstant {
        max(instant, lastSearch.map { $0 + Self.leastInterval } ?? instant)
    }
}
