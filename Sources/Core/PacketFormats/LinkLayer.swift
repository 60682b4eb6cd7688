import NetworkPrimitives

/// What a frame's link header leads to.
///
/// Small enough for registers, unlike a `DecodedFrame`.
enum LinkLayer {
    /// An IP packet that starts at an offset, of a version or of `anyVersion`; the frame, as far as
    /// the link header says, ends at `wire`.
    case packet(offset: Int, version: UInt8, wire: Int)
    /// Another protocol.
    case other
    /// Nothing that could be read.
    case unreadable(FrameFault)

    /// The version of a packet whose link header does not say it.
    static let anyVersion: UInt8 = 0

    /// Reads the link header of a frame.
    @inline(__always)
    init(_ frame: RawSpan, kind: LinkKind, _ bounds: FrameBounds) {
        // By far the most frequent frame: Ethernet without a tag.
        if kind == .ethernet, bounds.captured >= 14, frame.bigEndianUInt16(at: 12) == 0x0800 {
            self = .packet(offset: 14, version: 4, wire: bounds.wire)
        } else {
            self = Self.read(frame, kind: kind, bounds)
        }
    }

    @inline(never)
    private static func read(
        _ frame: RawSpan, kind: LinkKind, _ bounds: FrameBounds
    ) -> LinkLayer {
        let captured = bounds.captured
        switch kind {
        case .ethernet:
            guard captured >= 14 else { return bounds.shortLink(14) }
            return network(frame, etherTypeAt: 12, bounds)
        case .rawIP: return .packet(offset: 0, version: anyVersion, wire: bounds.wire)
        case .ipv4: return .packet(offset: 0, version: 4, wire: bounds.wire)
        case .ipv6: return .packet(offset: 0, version: 6, wire: bounds.wire)
        case .linuxCooked:
            guard captured >= 16 else { return bounds.shortLink(16) }
            return network(frame, etherTypeAt: 14, bounds)
        case .linuxCooked2:
            guard captured >= 20 else { return bounds.shortLink(20) }
            return cooked2(frame, bounds)
        case .loopback: return loopback(frame, bounds)
        case .ppp:
            // RFC 1662 §3.1: address 0xff and control 0x03; may be left out (RFC 1661 §6.6).
            guard captured >= 2 else { return bounds.shortLink(2) }
            let isFramed = frame.bigEndianUInt16(at: 0) == 0xff03
            return pointToPoint(frame, at: isFramed ? 2 : 0, bounds)
        case .pppoe: return pppoe(frame, at: 0, bounds)
        case .unsupported: return .unreadable(.unsupportedLink)
        }
    }
}

extension LinkLayer {
    /// Reads what follows an EtherType, VLAN tags before it included.
    ///
    /// Cooked captures put VLAN tags back where Ethernet has them, so they are read alike.
    private static func network(
        _ frame: RawSpan, etherTypeAt start: Int, _ bounds: FrameBounds
    ) -> LinkLayer {
        var offset = start
        var type = frame.bigEndianUInt16(at: offset)
        if type == 0x0800 { return .packet(offset: offset + 2, version: 4, wire: bounds.wire) }
        // IEEE 802.1Q, 802.1ad, and the number that was used for QinQ before 802.1ad.
        var tags = 0
        while type == 0x8100 || type == 0x88a8 || type == 0x9100 {
            guard tags < FrameDecoder.maximumTags else { return .unreadable(.unsupportedTagDepth) }
            tags += 1
            offset += 4
            guard offset + 2 <= bounds.captured else {
                return bounds.shortLink(offset + 2)
            }
            type = frame.bigEndianUInt16(at: offset)
        }
        switch type {
        case 0x0800: return .packet(offset: offset + 2, version: 4, wire: bounds.wire)
        case 0x86dd: return .packet(offset: offset + 2, version: 6, wire: bounds.wire)
        case 0x8864: return pppoe(frame, at: offset + 2, bounds)
        default: return .other
        }
    }

    /// SLL2 has the protocol first and 18 octets about the interface and the sender after it.
    private static func cooked2(_ frame: RawSpan, _ bounds: FrameBounds) -> LinkLayer {
        switch frame.bigEndianUInt16(at: 0) {
        case 0x0800: return .packet(offset: 20, version: 4, wire: bounds.wire)
        case 0x86dd: return .packet(offset: 20, version: 6, wire: bounds.wire)
        case 0x8864: return pppoe(frame, at: 20, bounds)
        case 0x8100, 0x88a8, 0x9100:
            // The tag's protocol is the header's: control information and EtherType follow.
            guard 24 <= bounds.captured else {
                return bounds.shortLink(24)
            }
            return network(frame, etherTypeAt: 22, bounds)
        default: return .other
        }
    }

    /// The family's number is in the capturing host's byte order, or in network order (LOOP).
    private static func loopback(_ frame: RawSpan, _ bounds: FrameBounds) -> LinkLayer {
        guard 4 <= bounds.captured else { return bounds.shortLink(4) }
        let number = frame.bigEndianUInt32(at: 0)
        switch number <= 0xffff ? number : number.byteSwapped {
        case 2: return .packet(offset: 4, version: 4, wire: bounds.wire)
        // AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, macOS.
        case 10, 24, 28, 30: return .packet(offset: 4, version: 6, wire: bounds.wire)
        default: return .other
        }
    }

    /// RFC 2516 §4: version and type 1, code 0 for session data, session, length.
    private static func pppoe(_ frame: RawSpan, at start: Int, _ bounds: FrameBounds) -> LinkLayer {
        let payload = start + 6
        guard payload <= bounds.captured else {
            return bounds.shortLink(payload)
        }
        guard frame.bigEndianUInt16(at: start) == 0x1100 else { return .other }
        let end = payload + Int(frame.bigEndianUInt16(at: start + 4))
        guard end <= bounds.wire else { return .unreadable(.malformedPPPoELength) }
        return pointToPoint(frame, at: payload, bounds.ending(at: end))
    }

    /// RFC 1661 §2: the protocol, whose first octet may be left out where it is 0 (§6.5).
    private static func pointToPoint(_ frame: RawSpan, at start: Int, _ bounds: FrameBounds)
        -> LinkLayer
    {
        guard start < bounds.captured else {
            return bounds.shortLink(start + 1)
        }
        var packet = start + 1
        var number = UInt16(frame.uint8(at: start))
        // The last octet of a protocol number is odd, every octet before it even.
        if number & 1 == 0 {
            packet += 1
            guard packet <= bounds.captured else {
                return bounds.shortLink(packet)
            }
            number = number << 8 | UInt16(frame.uint8(at: start + 1))
        }
        switch number {
        case 0x21: return .packet(offset: packet, version: 4, wire: bounds.wire)
        case 0x57: return .packet(offset: packet, version: 6, wire: bounds.wire)
        default: return .other
        }
    }
}
