/// Why bytes are not the packet they should be.
///
/// A capture or a quote that ends early is `truncated` and says nothing about the sender; lengths or
/// values that contradict each other are `malformed`. They are counted apart.
public enum PacketError: Error, Hashable, Sendable {
    /// Fewer octets than the header says are needed.
    case truncated(needed: Int, available: Int)
    /// A field has a value that the format forbids.
    case malformed(Field)
    /// A well-formed packet of a kind that this parser does not read.
    case unsupported

    /// The field that contradicts its format.
    public enum Field: Hashable, Sendable {
        /// The version nibble of a quoted IP header.
        case version
        /// The header length of a quoted IPv4 header.
        case headerLength
        /// The checksum of an ICMPv4 message.
        case checksum
        /// The data offset of a TCP segment: less than 20 octets, or beyond its end.
        case dataOffset
        /// The length of a TCP option: less than 2 octets, beyond the header, or not the option's own.
        case optionLength
    }
}
