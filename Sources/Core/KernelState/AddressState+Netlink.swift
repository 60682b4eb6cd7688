import NetworkPrimitives

// linux/if_addr.h:
//
//     struct ifaddrmsg {        offset
//         __u8  ifa_family;          0
//         __u8  ifa_prefixlen;       1
//         __u8  ifa_flags;           2
//         __u8  ifa_scope;           3
//         __u32 ifa_index;           4
//     };                             8 octets

extension AddressState {
    /// Reads the payload of RTM_NEWADDR: `struct ifaddrmsg` and attributes.
    ///
    /// > IFA_ADDRESS is prefix address, rather than local interface address. […] for point-to-point
    /// > IFA_ADDRESS is DESTINATION address, local address is supplied in IFA_LOCAL attribute.
    ///
    /// (linux/if_addr.h.) IPv6 writes IFA_LOCAL only where there is a peer.
    ///
    /// - Throws: `KernelMessageError` for anything the kernel does not write.
    public init(parsing message: RawSpan) throws(KernelMessageError) {
        try message.require(8)
        var prefixAddress: IPAddress?
        var local: IPAddress?
        var attributes = NetlinkAttributes(of: message, after: 8)
        while let attribute = try attributes.next(in: message) {
            switch attribute.type {
            case 1: prefixAddress = try message.address(of: attribute, "IFA_ADDRESS")
            case 2: local = try message.address(of: attribute, "IFA_LOCAL")
            default: break
            }
        }
        guard let prefixAddress = prefixAddress ?? local else {
            throw .badLength(field: "IFA_ADDRESS", length: 0)
        }
        let address = local ?? prefixAddress
        self.init(
            interfaceIndex: Int(message.hostUInt32(at: 4)), address: address,
            peer: prefixAddress == address ? nil : prefixAddress,
            prefix: try IPPrefix(
                prefixAddress, kernelLength: message.uint8(at: 1), "ifa_prefixlen"))
    }
}
