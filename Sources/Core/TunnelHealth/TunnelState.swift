/// The health of a tunnel.
public enum TunnelState: String, CaseIterable, Hashable, Sendable {
    /// Probes are answered.
    case healthy
    /// Some probes fail.
    case degraded
    /// All recent probes fail.
    case down
    /// Not enough is known to say.
    case unknown

    /// How bad it is, for "the worst of": down > degraded > unknown > healthy.
    public var rank: Int {
        switch self {
        case .healthy: 0
        case .unknown: 1
        case .degraded: 2
        case .down: 3
        }
    }

    /// The worse of two states.
    public static func worse(_ left: TunnelState, _ right: TunnelState) -> TunnelState {
        left.rank >= right.rank ? left : right
    }
}
