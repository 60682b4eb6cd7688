public import NetworkPrimitives

/// Whether ESP flows between this host and the peer: the value of `ike.esp`.
public enum ESPFlow: Equatable, Sendable {
    /// In both directions.
    case flowing
    /// In one direction; the other is `missing`.
    case oneWay(missing: TrafficDirection)
    /// In none.
    case absent
    /// Not known, and why.
    case unknown(reason: String)

    /// How far the last packets of both directions may be apart.
    public static let gap = Duration.seconds(10)
    /// How long a packet counts.
    public static let memory = Duration.seconds(120)
    /// Packets of one direction that must have gone without one of the other.
    public static let leastPackets: UInt64 = 3
    /// How long nothing must have been seen for "absent".
    public static let leastWatch = Duration.seconds(3)

    /// What was captured of one direction.
    public struct Direction: Equatable, Sendable {
        /// Packets of the streams that are known.
        public var packets: UInt64
        /// When the last one came; nil without one.
        public var lastSeen: MonotonicInstant?

        /// Makes a direction, by default one without packets.
        public init(packets: UInt64 = 0, lastSeen: MonotonicInstant? = nil) {
            self.packets = packets
            self.lastSeen = lastSeen
        }
    }

    /// Judges what was captured.
    ///
    /// - Parameters:
    ///   - inbound: packets to this host.
    ///   - outbound: packets from it.
    ///   - watched: for how long there has been a capture.
    ///   - now: the current instant.
    public init(
        inbound: Direction, outbound: Direction, watched: Duration, at now: MonotonicInstant
    ) {
        let recent = [inbound.lastSeen, outbound.lastSeen].compactMap { $0 }
            .filter { now - $0 <= Self.memory }
        guard let latest = recent.max() else {
            self =
                watched < Self.leastWatch
                ? .unknown(reason: "the capture has only begun") : .absent
            return
        }
        func isPresent(_ direction: Direction) -> Bool {
            direction.lastSeen.map { latest - $0 <= Self.gap } ?? false
        }
        switch (isPresent(inbound), isPresent(outbound)) {
        case (true, true): self = .flowing
        case (true, false): self = Self.oneWay(inbound, missing: .outbound)
        case (false, true): self = Self.oneWay(outbound, missing: .inbound)
        case (false, false): preconditionFailure("the latest packet is of one direction")
        }
    }

    private static func oneWay(_ seen: Direction, missing: TrafficDirection) -> ESPFlow {
        seen.packets >= leastPackets
            ? .oneWay(missing: missing)
            : .unknown(reason: "too few packets were seen to miss an answer")
    }

    /// The name in JSON.
    public var name: String {
        switch self {
        case .flowing: "flowing"
        case .oneWay: "one_way"
        case .absent: "absent"
        case .unknown: "unknown"
        }
    }
}
