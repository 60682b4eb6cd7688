public import NetworkPrimitives

/// Which changes of state are recorded: one a minute of a tunnel, and a few at a time.
///
/// A change while a recording of the same tunnel goes on belongs into that one.
public struct RecordingSchedule: Sendable {
    /// What becomes of a change.
    public enum Decision: Hashable, Sendable {
        /// It is recorded, in a file of its own.
        case begin
        /// The file that is being recorded holds it too.
        case join
        /// It is not recorded: this tunnel's last recording began less than a minute ago, or too many
        /// tunnels are being recorded.
        case skip
    }

    /// The least time between the starts of two recordings of a tunnel.
    public static let interval = Duration.seconds(60)
    /// The most recordings that go on at a time.
    public static let limit = 8

    private var begun: [String: MonotonicInstant] = [:]
    private var running: Set<String> = []

    /// Makes a schedule without a recording.
    public init() {}

    /// Decides about a change of a tunnel's state.
    public mutating func decide(_ tunnel: String, at now: MonotonicInstant) -> Decision {
        if running.contains(tunnel) { return .join }
        if let last = begun[tunnel], now - last < Self.interval { return .skip }
        guard running.count < Self.limit else { return .skip }
        begun = begun.filter { now - $0.value < Self.interval }
        begun[tunnel] = now
        running.insert(tunnel)
        return .begin
    }

    /// Notes that a tunnel's recording takes no more changes.
    public mutating func end(_ tunnel: String) { running.remove(tunnel) }
}
