import NetworkPrimitives

/// Finds ESP, IKE, ICMP and TCP in captured frames.
///
/// Reads the link header, VLAN tags, PPPoE, IPv4 with options, IPv6 with extension headers, an
/// authentication header and UDP, each in place and without an allocation. Takes any octets. Only
/// lengths are judged: checksums are mostly not there yet where a capture sees outgoing packets.
public struct FrameDecoder: Sendable {
    /// The most VLAN tags that are read.
    public static let maximumTags = 4
    /// The most extension headers that are read, authentication headers among them.
    public static let maximumExtensionHeaders = 8

    /// Makes a decoder.
    public init() {}

    /// Reads one frame.
    ///
    /// - Parameters:
    ///   - frame: the captured octets.
    ///   - linkType: how they begin.
    ///   - wireLength: how many octets the frame had on the wire; one below the captured octets is
    ///     taken as that many.
    /// - Returns: what the frame carries; ranges are offsets into `frame`.
    public func decode(_ frame: RawSpan, linkType: LinkKind, wireLength: Int) -> DecodedFrame {
        // The whole way to an ESP header is inlined into this function: a result of this size, handed
        // up through each layer's own function, costs more than the reading does.
        let bounds = FrameBounds(captured: frame.byteCount, wire: max(wireLength, frame.byteCount))
        switch LinkLayer(frame, kind: linkType, bounds) {
        case .packet(let offset, let version, let wire):
            let inside = bounds.ending(at: wire)
            guard offset < inside.captured else {
                return inside.short(offset + 1, .truncatedIP, .malformedIP)
            }
            let first = frame.uint8(at: offset) >> 4
            guard first == version || version == LinkLayer.anyVersion else {
                return .unreadable(.malformedIPVersion)
            }
            switch first {
            case 4: return ipv4(frame, at: offset, inside)
            case 6: return ipv6(frame, at: offset, inside)
            default: return .unreadable(.malformedIPVersion)
            }
        case .other: return .other
        case .unreadable(let fault): return .unreadable(fault)
        }
    }
}

// MARK: - Internet

extension FrameDecoder {
    /// RFC 791 §3.1.
    @inline(__always)
    private func ipv4(_ frame: RawSpan, at start: Int, _ bounds: FrameBounds) -> DecodedFrame {
        guard start + 20 <= bounds.captured else {
            return bounds.short(start + 20, .truncatedIP, .malformedIP)
        }
        let headerLength = Int(frame.uint8(at: start) & 15) * 4
        guard headerLength >= 20 else { return .unreadable(.malformedIPHeaderLength) }
        // 0 stands for a packet of more than 65 535 octets that the device is still to cut up
        // (segmentation offload): it reaches to the end of the frame.
        let stated = Int(frame.bigEndianUInt16(at: start + 2))
        let length = stated == 0 ? bounds.wire - start : stated
        guard length >= headerLength, start + length <= bounds.wire else {
            return .unreadable(.malformedIPLength)
        }
        let inside = bounds.ending(at: start + length)
        let payload = start + headerLength
        guard payload <= inside.captured else { return .unreadable(.truncatedIP) }
        // Flags: reserved, don't fragment, more fragments; then the offset in units of eight octets.
        let fragment = frame.bigEndianUInt16(at: start + 6)
        let header = IPHeader(
            source: .v4(frame.bigEndianUInt32(at: start + 12)),
            destination: .v4(frame.bigEndianUInt32(at: start + 16)),
            hopLimit: frame.uint8(at: start + 8), trafficClass: frame.uint8(at: start + 1),
            identification: frame.bigEndianUInt16(at: start + 4),
            dontFragment: fragment & 0x4000 != 0, isFragment: fragment & 0x3fff != 0,
            length: length, protocolNumber: frame.uint8(at: start + 9))
        guard fragment & 0x1fff == 0 else {
            return .laterFragment(header, payload: payload..<inside.captured)
        }
        return transport(frame, at: payload, header, inside)
    }

    /// RFC 8200 §3 and §4.
    private func ipv6(_ frame: RawSpan, at start: Int, _ bounds: FrameBounds) -> DecodedFrame {
        guard start + 40 <= bounds.captured else {
            return bounds.short(start + 40, .truncatedIP, .malformedIP)
        }
        let next = frame.uint8(at: start + 6)
        // 0 stands for a jumbo payload (RFC 2675), which is how Linux shows segments of more than
        // 65 535 octets that the device is still to cut up, unless there is no next header (59).
        let stated = Int(frame.bigEndianUInt16(at: start + 4))
        let length = stated == 0 && next != 59 ? bounds.wire - start : 40 + stated
        guard start + length <= bounds.wire else { return .unreadable(.malformedIPLength) }
        let inside = bounds.ending(at: start + length)
        let word = frame.bigEndianUInt32(at: start)
        var header = IPHeader(
            source: .v6(frame.bigEndianUInt128(at: start + 8)),
            destination: .v6(frame.bigEndianUInt128(at: start + 24)),
            hopLimit: frame.uint8(at: start + 7),
            trafficClass: UInt8(truncatingIfNeeded: word >> 20), dontFragment: true,
            length: length, protocolNumber: next)

        var offset = start + 40
        var count = 0
        // Hop-by-hop options, routing, fragment, destination options.
        while header.protocolNumber == 0 || header.protocolNumber == 43
            || header.protocolNumber == 44 || header.protocolNumber == 60
        {
            guard count < Self.maximumExtensionHeaders else {
                return .unreadable(.unsupportedExtensionDepth)
            }
            count += 1
            guard offset + 8 <= inside.captured else {
                return inside.short(offset + 8, .truncatedIP, .malformedExtensionHeader)
            }
            if header.protocolNumber == 44 {
                // Offset in units of eight octets, two reserved bits, more fragments. Both zero is
                // an "atomic" fragment, a whole packet (RFC 6946).
                let fragment = frame.bigEndianUInt16(at: offset + 2)
                header.isFragment = header.isFragment || fragment & 0xfff9 != 0
                header.protocolNumber = frame.uint8(at: offset)
                offset += 8
                guard fragment & 0xfff8 == 0 else {
                    return .laterFragment(header, payload: offset..<inside.captured)
                }
            } else {
                header.protocolNumber = frame.uint8(at: offset)
                offset += (Int(frame.uint8(at: offset + 1)) + 1) * 8
                guard offset <= inside.captured else {
                    return inside.short(offset, .truncatedIP, .malformedExtensionHeader)
                }
            }
        }
        return transport(frame, at: offset, header, inside)
    }
}

// MARK: - Transport

extension FrameDecoder {
    @inline(__always)
    private func transport(
        _ frame: RawSpan, at start: Int, _ header: IPHeader, _ bounds: FrameBounds
    ) -> DecodedFrame {
        switch header.protocolNumber {
        case 50:
            return esp(frame, at: start, header, bounds, .esp, source: 0, destination: 0)
        case 17: return udp(frame, at: start, header, bounds)
        case 1 where header.source.family == .v4, 58 where header.source.family == .v6:
            return .icmp(header, payload: start..<bounds.captured)
        case 6:
            return .tcp(header, payload: start..<bounds.captured, length: bounds.wire - start)
        case 51: return authentication(frame, at: start, header, bounds)
        default: return .other
        }
    }

    /// RFC 4302 §2: next header, length in words of four octets minus two.
    @inline(never)
    private func authentication(
        _ frame: RawSpan, at start: Int, _ header: IPHeader, _ bounds: FrameBounds
    ) -> DecodedFrame {
        var header = header
        var offset = start
        for _ in 0..<Self.maximumExtensionHeaders {
            guard offset + 12 <= bounds.captured else {
                return bounds.short(offset + 12, .truncatedIP, .malformedExtensionHeader)
            }
            header.protocolNumber = frame.uint8(at: offset)
            let words = Int(frame.uint8(at: offset + 1))
            guard words > 0 else { return .unreadable(.malformedExtensionHeader) }
            offset += (words + 2) * 4
            guard offset <= bounds.captured else {
                return bounds.short(offset, .truncatedIP, .malformedExtensionHeader)
            }
            guard header.protocolNumber == 51 else {
                return transport(frame, at: offset, header, bounds)
            }
        }
        return .unreadable(.unsupportedExtensionDepth)
    }

    /// RFC 768.
    @inline(__always)
    private func udp(
        _ frame: RawSpan, at start: Int, _ header: IPHeader, _ bounds: FrameBounds
    ) -> DecodedFrame {
        let payload = start + 8
        guard payload <= bounds.captured else {
            return bounds.short(payload, .truncatedUDP, .malformedUDPLength)
        }
        let source = frame.bigEndianUInt16(at: start)
        let destination = frame.bigEndianUInt16(at: start + 2)
        let isIKE = source == 500 || destination == 500
        guard isIKE || source == 4500 || destination == 4500 else { return .other }
        // 0 stands for a datagram of more than 65 535 octets (RFC 2675 §4). The datagram of a first
        // fragment is longer than the fragment.
        let stated = Int(frame.bigEndianUInt16(at: start + 4))
        let rest = bounds.wire - start
        let length = stated == 0 && rest > 0xffff ? rest : stated
        guard length >= 8, length <= rest || header.isFragment else {
            return .unreadable(.malformedUDPLength)
        }
        let inside = bounds.ending(at: start + length)
        // Both ports at once happen where a NAT maps one: the receiver's port decides.
        if isIKE, destination == 500 || destination != 4500 {
            return .ike(
                IKEDatagram(
                    ip: header, sourcePort: source, destinationPort: destination,
                    hasNonESPMarker: false, payload: payload..<inside.captured, length: length - 8))
        }
        return natTraversal(
            frame, at: payload, header, inside, length: length - 8, source: source,
            destination: destination)
    }

    /// RFC 3948 §2: ESP, or four zero octets and IKE, or one octet 0xff.
    @inline(__always)
    private func natTraversal(
        _ frame: RawSpan, at start: Int, _ header: IPHeader, _ bounds: FrameBounds, length: Int,
        source: UInt16, destination: UInt16
    ) -> DecodedFrame {
        if length == 1 {
            guard start < bounds.captured else {
                return bounds.short(start + 1, .truncatedESP, .malformedESP)
            }
            return frame.uint8(at: start) == 0xff
                ? .natKeepalive(header, payload: start..<(start + 1)) : .unreadable(.malformedESP)
        }
        guard start + 4 <= bounds.captured else {
            return bounds.short(start + 4, .truncatedESP, .malformedESP)
        }
        guard frame.bigEndianUInt32(at: start) == 0 else {
            return esp(
                frame, at: start, header, bounds, .udp, source: source, destination: destination)
        }
        return .ike(
            IKEDatagram(
                ip: header, sourcePort: source, destinationPort: destination, hasNonESPMarker: true,
                payload: (start + 4)..<bounds.captured, length: length - 4))
    }

    /// RFC 4303 §2.
    @inline(__always)
    private func esp(
        _ frame: RawSpan, at start: Int, _ header: IPHeader, _ bounds: FrameBounds,
        _ encapsulation: ESPEncapsulation, source: UInt16, destination: UInt16
    ) -> DecodedFrame {
        let payload = start + 8
        guard payload <= bounds.captured else {
            return bounds.short(payload, .truncatedESP, .malformedESP)
        }
        // 1...255 are reserved and have been seen in use; 0 "MUST NOT be sent on the wire".
        let spi = frame.bigEndianUInt32(at: start)
        guard spi != 0 else { return .unreadable(.malformedSPI) }
        return .esp(
            ESPDatagram(
                ip: header, encapsulation: encapsulation, sourcePort: source,
                destinationPort: destination, spi: SPI(rawValue: spi),
                sequence: frame.bigEndianUInt32(at: start + 4),
                payload: payload..<bounds.captured))
    }
}
