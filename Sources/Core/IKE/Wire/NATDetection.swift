public import NetworkPrimitives

/// What the hashes of addresses in an IKE_SA_INIT message say, RFC 7296 §2.23.
///
/// A sender hashes the address and port that it sends from, and those that it sends to. Whoever sees
/// the packet elsewhere hashes what stands in its headers: another result means that a NAT changed
/// them on the way, or that the sender wants UDP encapsulation and pretends.
public struct NATDetection: Hashable, Sendable {
    /// Whether the source that the sender hashed is the packet's; nil without a hash.
    public var isSourceUnchanged: Bool?
    /// Whether the destination that the sender hashed is the packet's; nil without a hash.
    public var isDestinationUnchanged: Bool?

    /// Compares the hashes of a message with the headers it came with.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - source: its packet's source address.
    ///   - sourcePort: its UDP source port.
    ///   - destination: its packet's destination address.
    ///   - destinationPort: its UDP destination port.
    public init(
        of message: IKEMessage, from source: IPAddress, _ sourcePort: UInt16,
        to destination: IPAddress, _ destinationPort: UInt16
    ) {
        func matches(_ kind: IKENotifyKind, _ address: IPAddress, _ port: UInt16) -> Bool? {
            // A sender that does not know its address may give several.
            let given = message.notifies.filter {
                $0.kind == kind && $0.content.count == SHA1Digest.byteCount
            }
            guard !given.isEmpty else { return nil }
            let expected = Self.hash(of: message.header, address, port)
            return given.contains { $0.content == expected }
        }
        isSourceUnchanged = matches(.natDetectionSourceIP, source, sourcePort)
        isDestinationUnchanged = matches(.natDetectionDestinationIP, destination, destinationPort)
    }

    /// The hash of an address and port under a message's SPIs.
    public static func hash(
        of header: IKEHeader, _ address: IPAddress, _ port: UInt16
    ) -> [UInt8] {
        var octets: [UInt8] = []
        octets.append(bigEndian: header.initiatorSPI)
        octets.append(bigEndian: header.responderSPI)
        octets += address.octets
        octets.append(bigEndian: port)
        return SHA1Digest.digest(of: octets)
    }
}
