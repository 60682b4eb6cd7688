public import NetworkPrimitives

/// What the kernel finds an SA by.
public struct AssociationKey: Hashable, Sendable {
    /// The SPI.
    public var spi: SPI
    /// The outer destination address.
    public var destination: IPAddress
    /// The IPsec protocol.
    public var `protocol`: IPsecProtocol
    /// The mark and its mask: two VTIs may hold SAs that are otherwise equal.
    public var mark: UInt32

    /// Makes a key.
    public init(spi: SPI, destination: IPAddress, protocol: IPsecProtocol, mark: UInt32 = 0) {
        self.spi = spi
        self.destination = destination
        self.protocol = `protocol`
        self.mark = mark
    }
}

extension SecurityAssociation {
    /// What the kernel finds it by.
    public var key: AssociationKey {
        AssociationKey(spi: spi, destination: destination, protocol: `protocol`, mark: mark)
    }
}

/// Where the packets of a peer behind NAT come from.
public struct NATMapping: Hashable, Sendable {
    /// The outer address.
    public var address: IPAddress
    /// The UDP port.
    public var port: UInt16

    /// Makes a mapping.
    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }
}

/// A change that the kernel told of by itself, linux/xfrm.h and linux/rtnetlink.h.
public enum KernelEvent: Equatable, Sendable {
    /// An SA was installed, XFRM_MSG_NEWSA.
    case associationAdded(SecurityAssociation)
    /// An SA was changed in place, XFRM_MSG_UPDSA.
    case associationUpdated(SecurityAssociation)
    /// A lifetime ended, XFRM_MSG_EXPIRE: the soft one asks for a successor, the hard one removes.
    case associationExpired(SecurityAssociation, isHard: Bool)
    /// An SA was deleted, XFRM_MSG_DELSA; `last` is what it had come to, where the kernel tells.
    case associationDeleted(AssociationKey, last: SecurityAssociation?)
    /// All SAs of a protocol (nil: of all) are gone, and their counters with them, XFRM_MSG_FLUSHSA.
    case associationsFlushed(IPsecProtocol?)
    /// A packet wanted an SA and there was none, XFRM_MSG_ACQUIRE.
    case associationWanted(source: IPAddress, destination: IPAddress)
    /// A peer behind NAT sends from another address or port now, XFRM_MSG_MAPPING.
    case mappingChanged(AssociationKey, from: NATMapping, to: NATMapping)
    /// SAs and policies moved to other outer addresses, XFRM_MSG_MIGRATE.
    case migrated
    /// A policy was installed, XFRM_MSG_NEWPOLICY or XFRM_MSG_UPDPOLICY.
    case policyChanged(SecurityPolicy)
    /// A policy was deleted or expired, or all were.
    case policiesRemoved
    /// A device was made or changed, RTM_NEWLINK.
    case linkChanged(LinkState)
    /// A device is gone, RTM_DELLINK.
    case linkRemoved(index: Int, name: String)
    /// Addresses, routes, rules or neighbours changed.
    case routingChanged
    /// The kernel dropped events for lack of socket memory: all is read anew.
    case overrun
}

/// An event and when it was read from the socket.
public struct TimedKernelEvent: Equatable, Sendable {
    /// What happened.
    public var event: KernelEvent
    /// When it was read.
    public var at: MonotonicInstant

    /// Makes a timed event.
    public init(_ event: KernelEvent, at: MonotonicInstant) {
        self.event = event
        self.at = at
    }
}
