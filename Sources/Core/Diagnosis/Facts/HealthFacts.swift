/// What is known of a tunnel's state.
public struct HealthFacts: Equatable, Sendable {
    /// A tunnel's state, in the order of badness.
    public enum State: String, Sendable {
        /// Probes are answered.
        case healthy
        /// Not enough is known.
        case unknown
        /// Some probes fail.
        case degraded
        /// All recent probes fail.
        case down
    }

    /// The state; its age is how long it has lasted.
    public var state = Fact<State>.notYet
    /// Whether it comes from probes through the tunnel, and not of the underlay.
    public var isFromInside = Fact<Bool>.notYet
    /// Whether the tunnel flaps.
    public var isFlapping = Fact<Bool>.notYet
    /// Changes within the last hour.
    public var changesLastHour = Fact<Int>.notYet
    /// The weighted share of changes in the last 21 checks, 0...1.
    public var flapRatio = Fact<Double>.notYet

    /// Nothing is known.
    public init() {}
}
