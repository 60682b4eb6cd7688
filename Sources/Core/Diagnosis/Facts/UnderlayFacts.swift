public import NetworkPrimitives

/// What this host knows of its own way to the endpoint.
public struct UnderlayFacts: Equatable, Sendable {
    /// The device that packets to the endpoint leave by.
    public struct Device: Hashable, Sendable {
        /// Its name.
        public var name: String
        /// Whether there is one of that name.
        public var exists: Bool
        /// Whether it is administratively up.
        public var isUp: Bool
        /// Whether it can pass packets: a cable, an association, a device underneath that is up.
        public var hasCarrier: Bool

        /// Makes a device.
        public init(name: String, exists: Bool, isUp: Bool, hasCarrier: Bool) {
            self.name = name
            self.exists = exists
            self.isUp = isUp
            self.hasCarrier = hasCarrier
        }
    }

    /// The router that packets go to first.
    public struct NextHop: Hashable, Sendable {
        /// Its address.
        public var address: IPAddress
        /// The device it is on; nil where it is not known.
        public var device: String?
        /// Whether it does not answer the kernel's questions for its link-layer address.
        public var isSilent: Bool

        /// Makes a next hop.
        public init(address: IPAddress, device: String?, isSilent: Bool) {
            self.address = address
            self.device = device
            self.isSilent = isSilent
        }
    }

    /// The device that packets to the endpoint leave by.
    public var device = Fact<Device>.notYet
    /// The router that they go to first.
    public var nextHop = Fact<NextHop>.notYet

    /// Nothing is known.
    public init() {}
}

/// Something that this host cannot measure.
public struct MeasurementLimit: Hashable, Sendable {
    /// What is measured with it.
    public enum Means: String, CaseIterable, Sendable {
        /// The capture of ESP.
        case capture
        /// The kernel's SAs and policies.
        case associations
    }

    /// What is missing.
    public var means: Means
    /// Why, a part of a sentence.
    public var reason: String

    /// Makes a limit.
    public init(_ means: Means, because reason: String) {
        self.means = means
        self.reason = reason
    }
}
