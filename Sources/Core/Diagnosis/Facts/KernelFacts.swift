public import KernelState
public import NetworkPrimitives

/// What the kernel knows of a tunnel.
public struct KernelFacts: Equatable, Sendable {
    /// How the counters of inbound SAs grew.
    public struct Drops: Hashable, Sendable {
        /// Below the replay window, or over the numbers that it can tell apart.
        public var replayWindow = Growth(0, in: .zero)
        /// Already seen within the window.
        public var replay = Growth(0, in: .zero)
        /// Failed the integrity check.
        public var integrity = Growth(0, in: .zero)
        /// Packets that were taken.
        public var packets = Growth(0, in: .zero)

        /// No drops.
        public init() {}

        /// Packets that the replay window refused, too old and already seen.
        public var refused: UInt64 { replayWindow.count &+ replay.count }
        /// Packets that arrived, those that were refused among them.
        public var arrived: UInt64 { packets.count &+ refused &+ integrity.count }
    }

    /// The device that the tunnel is made of.
    public struct Device: Hashable, Sendable {
        /// Its name.
        public var name: String
        /// Whether there is one of that name.
        public var exists: Bool
        /// Whether it is administratively up.
        public var isUp: Bool
        /// Its MTU in octets; nil where it does not exist.
        public var mtu: Int?

        /// Makes a device.
        public init(name: String, exists: Bool, isUp: Bool, mtu: Int?) {
            self.name = name
            self.exists = exists
            self.isUp = isUp
            self.mtu = mtu
        }
    }

    /// The tunnel's SAs, newest first.
    public var associations = Fact<[DirectedAssociation]>.notYet
    /// Its policies.
    public var policies = Fact<[SecurityPolicy]>.notYet
    /// Its device, where it has one or should have one.
    public var device = Fact<Device>.notYet
    /// What inbound SAs dropped lately.
    public var recentDrops = Fact<Drops>.notYet
    /// What they dropped in up to the last five minutes.
    public var longerDrops = Fact<Drops>.notYet
    /// How long ago their replay windows last refused a packet; known nil for never in that time.
    public var lastRefusal = Fact<Duration?>.notYet
    /// What inbound SAs dropped since they were first seen, over all rekeys.
    public var totalDrops = Fact<Drops>.notYet
    /// How XFRM's error counters of the namespace grew lately, by name; only those that did.
    public var transformErrors = Fact<[String: Growth]>.notYet
    /// Times that a NAT changed the peer's mapping, since the watch began.
    public var mappingChanges = Fact<UInt64>.notYet
    /// The SA of the last such change and how it changed, in words; nil without one.
    public var lastMappingChange: String?

    /// Nothing is known.
    public init() {}

    /// The newest SA of a direction; nil without one, and while they are not known.
    public func newest(_ direction: TrafficDirection) -> SecurityAssociation? {
        associations.value?.first { $0.direction == direction }?.association
    }
}
