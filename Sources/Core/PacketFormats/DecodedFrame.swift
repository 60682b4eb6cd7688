/// What a captured frame carries, as far as watching IPsec needs it.
public enum DecodedFrame: Sendable {
    /// ESP, directly in IP or in UDP.
    case esp(ESPDatagram)
    /// An IKE message.
    case ike(IKEDatagram)
    /// A NAT keepalive: one octet 0xff in UDP, RFC 3948 §2.3; that octet as an offset into the frame.
    case natKeepalive(IPHeader, payload: Range<Int>)
    /// An ICMP or ICMPv6 message and the captured octets of it, as offsets into the frame.
    case icmp(IPHeader, payload: Range<Int>)
    /// A TCP segment, or the first fragment of one: its captured octets as offsets into the frame, and
    /// how many there are on the wire.
    case tcp(IPHeader, payload: Range<Int>, length: Int)
    /// A fragment other than the first, of whatever protocol: it has no header to read. Its captured
    /// octets as offsets into the frame.
    case laterFragment(IPHeader, payload: Range<Int>)
    /// A readable frame of another protocol.
    case other
    /// A frame that could not be read to the end of its headers.
    case unreadable(FrameFault)
}

/// Why a frame could not be read; each way of being wrong is a case.
///
/// *Truncated* frames were longer on the wire than in the capture, which says nothing about their
/// sender. *Malformed* ones contradict themselves on the wire. *Unsupported* ones are well-formed as
/// far as they were read.
public enum FrameFault: String, CaseIterable, Hashable, Sendable {
    /// The capture ends in the link header: Ethernet, VLAN tags, PPPoE, PPP, cooked or loopback.
    case truncatedLink
    /// The capture ends in the IP header, its options or its extension headers.
    case truncatedIP
    /// The capture ends in the UDP header.
    case truncatedUDP
    /// The capture ends in the eight octets of the ESP header, or in what stands there in UDP.
    case truncatedESP
    /// The frame is too short for its link header.
    case malformedLink
    /// The length in a PPPoE header is longer than the frame.
    case malformedPPPoELength
    /// The frame is too short for an IP header.
    case malformedIP
    /// The version nibble is not the one that the link header announced, or neither 4 nor 6.
    case malformedIPVersion
    /// An IPv4 header length of less than 20 octets.
    case malformedIPHeaderLength
    /// An IP length that is shorter than the header or longer than the frame.
    case malformedIPLength
    /// Extension headers or an authentication header that run over the packet's end.
    case malformedExtensionHeader
    /// A UDP length of less than eight octets or longer than the IP packet.
    case malformedUDPLength
    /// Less than eight octets of ESP, or in UDP something that RFC 3948 has no meaning for.
    case malformedESP
    /// ESP with SPI 0, which RFC 4303 §2.1 keeps off the wire.
    case malformedSPI
    /// A link type that is not read.
    case unsupportedLink
    /// More VLAN tags than `FrameDecoder.maximumTags`.
    case unsupportedTagDepth
    /// More extension headers than `FrameDecoder.maximumExtensionHeaders`.
    case unsupportedExtensionDepth
}
