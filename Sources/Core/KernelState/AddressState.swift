public import NetworkPrimitives

/// An address of this host, RTM_NEWADDR.
public struct AddressState: Equatable, Sendable {
    /// The index of the device it is on.
    public var interfaceIndex: Int
    /// This host's address.
    public var address: IPAddress
    /// The far end's address where one was configured (`ip address add A peer B`).
    public var peer: IPAddress?
    /// The block the kernel takes to be on the link; around `peer` where there is one.
    public var prefix: IPPrefix

    /// Makes an address on a device.
    public init(
        interfaceIndex: Int, address: IPAddress, peer: IPAddress? = nil, prefix: IPPrefix
    ) {
        self.interfaceIndex = interfaceIndex
        self.address = address
        self.peer = peer
        self.prefix = prefix
    }
}
