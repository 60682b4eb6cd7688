import NetworkPrimitives

/// A TCP segment that opens a connection: its ports, and the largest segment its sender takes.
///
/// RFC 9293 §3.1 and §3.7.1. The sender of a SYN says by the option how large the segments may be
/// that the *other* side sends.
public struct TCPSynchronization: Hashable, Sendable {
    /// The TCP header without options, in octets.
    public static let headerByteCount = 20

    /// The source port.
    public var sourcePort: UInt16
    /// The destination port.
    public var destinationPort: UInt16
    /// Whether it answers another: a SYN-ACK.
    public var isAcknowledgment: Bool
    /// The largest segment that its sender takes, in octets without headers; nil where it does not
    /// say, and 536 (IPv4) or 1220 (IPv6) are meant.
    public var maximumSegmentSize: UInt16?

    /// Makes a segment.
    public init(
        sourcePort: UInt16, destinationPort: UInt16, isAcknowledgment: Bool,
        maximumSegmentSize: UInt16?
    ) {
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.isAcknowledgment = isAcknowledgment
        self.maximumSegmentSize = maximumSegmentSize
    }

    /// Reads a TCP segment, without its IP header.
    ///
    /// - Parameters:
    ///   - bytes: the captured octets; any bytes are safe.
    ///   - length: how many octets the segment has on the wire; fewer than captured are taken as that
    ///     many.
    /// - Throws: `PacketError`: `unsupported` for a segment without SYN, `truncated` where the
    ///   capture ends in header or options.
    public init(parsing bytes: RawSpan, length: Int) throws(PacketError) {
        let wire = max(length, bytes.byteCount)
        guard bytes.byteCount >= Self.headerByteCount else {
            guard wire >= Self.headerByteCount else { throw .malformed(.dataOffset) }
            throw .truncated(needed: Self.headerByteCount, available: bytes.byteCount)
        }
        let flags = bytes.uint8(at: 13)
        guard flags & 0x02 != 0 else { throw .unsupported }
        let end = Int(bytes.uint8(at: 12) >> 4) * 4
        guard end >= Self.headerByteCount, end <= wire else { throw .malformed(.dataOffset) }
        sourcePort = bytes.bigEndianUInt16(at: 0)
        destinationPort = bytes.bigEndianUInt16(at: 2)
        isAcknowledgment = flags & 0x10 != 0
        maximumSegmentSize = try Self.maximumSegmentSize(bytes, optionsEnd: end)
    }

    /// Walks the options (RFC 9293 §3.1: kind 0 ends them, kind 1 is one octet, every other has its
    /// length behind its kind); the last MSS counts, as in receivers.
    private static func maximumSegmentSize(
        _ bytes: RawSpan, optionsEnd end: Int
    ) throws(PacketError) -> UInt16? {
        var size: UInt16?
        var offset = headerByteCount
        while offset < end {
            func require(_ count: Int) throws(PacketError) {
                guard offset + count <= end else { throw .malformed(.optionLength) }
                guard offset + count <= bytes.byteCount else {
                    throw .truncated(needed: offset + count, available: bytes.byteCount)
                }
            }
            try require(1)
            let kind = bytes.uint8(at: offset)
            if kind == 0 { break }
            if kind == 1 {
                offset += 1
                continue
            }
            try require(2)
            let length = Int(bytes.uint8(at: offset + 1))
            guard length >= 2, kind != 2 || length == 4 else { throw .malformed(.optionLength) }
            try require(length)
            if kind == 2 { size = bytes.bigEndianUInt16(at: offset + 2) }
            offset += length
        }
        return size
    }
}
