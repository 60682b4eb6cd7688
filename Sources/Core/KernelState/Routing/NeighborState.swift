public import NetworkPrimitives

/// A neighbour on a link, RTM_NEWNEIGH: what is known of the next hop's link-layer address.
public struct NeighborState: Equatable, Sendable {
    /// How sure the kernel is of the address, NUD_… of linux/neighbour.h.
    public enum Reachability: String, Hashable, Sendable {
        /// It was asked and has not answered yet.
        case incomplete
        /// It answered lately.
        case reachable
        /// It answered some time ago.
        case stale
        /// Stale and in use: it is asked soon.
        case delay
        /// It is being asked.
        case probe
        /// It does not answer.
        case failed
        /// The link needs no address.
        case noarp
        /// An administrator set it.
        case permanent
        /// No state, or one this program does not know.
        case none
    }

    /// The index of the device it is on.
    public var interfaceIndex: Int
    /// Its IP address.
    public var address: IPAddress
    /// Its link-layer address; empty while it is not known.
    public var linkAddress: [UInt8]
    /// How sure the kernel is.
    public var reachability: Reachability

    /// Makes a neighbour.
    public init(
        interfaceIndex: Int, address: IPAddress, linkAddress: [UInt8] = [],
        reachability: Reachability = .none
    ) {
        self.interfaceIndex = interfaceIndex
        self.address = address
        self.linkAddress = linkAddress
        self.reachability = reachability
    }
}
