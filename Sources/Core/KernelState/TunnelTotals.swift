public import NetworkPrimitives

/// What the SAs of a tunnel came to, one way, over all rekeys.
public struct AssociationTotals: Hashable, Sendable {
    /// Packets wrapped or unwrapped.
    public var packets: UInt64 = 0
    /// Octets of inside packets.
    public var bytes: UInt64 = 0
    /// Packets refused as older than the anti-replay window reaches.
    public var replayWindow: UInt64 = 0
    /// Packets refused as already received.
    public var replay: UInt64 = 0
    /// Packets refused for a wrong integrity check value.
    public var integrityFailed: UInt64 = 0

    /// Makes totals of nothing.
    public init() {}

    /// What one SA came to.
    init(_ association: SecurityAssociation) {
        packets = association.packets
        bytes = association.bytes
        replayWindow = UInt64(association.statistics.replayWindow)
        replay = UInt64(association.statistics.replay)
        integrityFailed = UInt64(association.statistics.integrityFailed)
    }

    /// Whether no counter is below the one of `other`.
    func reaches(_ other: Self) -> Bool {
        packets >= other.packets && bytes >= other.bytes && replayWindow >= other.replayWindow
            && replay >= other.replay && integrityFailed >= other.integrityFailed
    }

    /// Adds how far `later` is ahead of `earlier`, counter by counter.
    mutating func add(from earlier: Self, to later: Self) {
        func growth(_ path: KeyPath<Self, UInt64>) -> UInt64 {
            later[keyPath: path] > earlier[keyPath: path]
                ? later[keyPath: path] - earlier[keyPath: path] : 0
        }
        packets &+= growth(\.packets)
        bytes &+= growth(\.bytes)
        replayWindow &+= growth(\.replayWindow)
        replay &+= growth(\.replay)
        integrityFailed &+= growth(\.integrityFailed)
    }
}

/// What the SAs of a tunnel came to, both ways, and whether something is missing.
public struct TunnelTotals: Equatable, Sendable {
    /// Packets from the far side.
    public var inbound = AssociationTotals()
    /// Packets to the far side.
    public var outbound = AssociationTotals()
    /// Why there may be more than was counted; nil when everything was.
    public var lowerBoundReason: String?
    /// Inbound SAs that replaced another.
    public var rekeys: UInt64 = 0
    /// Times that NAT gave the peer another address or port.
    public var mappingChanges: UInt64 = 0

    /// Makes totals of nothing.
    public init() {}

    /// One way.
    public subscript(direction: TrafficDirection) -> AssociationTotals {
        get { direction == .inbound ? inbound : outbound }
        set {
            if direction == .inbound { inbound = newValue } else { outbound = newValue }
        }
    }
}

/// Something that happened to a tunnel's SAs.
public struct AssociationChange: Equatable, Sendable {
    /// What happened.
    public enum Kind: String, Sendable {
        /// An SA was installed.
        case installed
        /// Its soft lifetime ended: the key daemon is asked for a successor.
        case softExpired = "soft_expired"
        /// Its hard lifetime ended, and the kernel removed it.
        case hardExpired = "hard_expired"
        /// It was deleted.
        case deleted
        /// All SAs were removed at once, without a word about their counters.
        case flushed
        /// It was gone when the kernel was read, and no event had told of it.
        case vanished
        /// NAT gave the peer another address or port.
        case mappingChanged = "mapping_changed"
    }

    /// What happened.
    public var kind: Kind
    /// The SPI of the SA.
    public var spi: SPI
    /// Which way its packets go.
    public var direction: TrafficDirection
    /// When it was noticed.
    public var at: MonotonicInstant
    /// More about it, for people; nil when the kind says all.
    public var detail: String?

    /// Makes a change.
    public init(
        kind: Kind, spi: SPI, direction: TrafficDirection, at: MonotonicInstant,
        detail: String? = nil
    ) {
        self.kind = kind
        self.spi = spi
        self.direction = direction
        self.at = at
        self.detail = detail
    }
}
