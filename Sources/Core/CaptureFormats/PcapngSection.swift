import NetworkPrimitives

/// Types of pcapng blocks.
enum PcapngBlock {
    static let sectionHeader: UInt32 = 0x0a0d_0d0a
    static let interfaceDescription: UInt32 = 1
    /// Obsolete, and written by dumpcap before 2009.
    static let packet: UInt32 = 2
    static let simplePacket: UInt32 = 3
    static let interfaceStatistics: UInt32 = 5
    static let enhancedPacket: UInt32 = 6
}

/// What a section of a pcapng file has described so far.
struct PcapngSection: Sendable {
    var interfaces: ContiguousArray<Interface> = []
    /// Interfaces of the sections before this one.
    var earlierInterfaces = 0
    /// Whether there is one: not before the first section header.
    var hasBegun = false
    /// Packets that the sections before this one say were lost while capturing.
    var earlierDrops: UInt64?

    struct Interface: Sendable {
        var linkType: LinkType
        /// The most octets that are captured of a frame; 0 for no limit.
        var snapLength: UInt32
        var resolution = StampResolution.microseconds
        /// Packets lost on it while capturing, by its latest statistics; nil without any.
        var drops: UInt64?
    }

    /// Packets that the file says were lost while capturing; nil where it does not say.
    var drops: UInt64? {
        interfaces.reduce(earlierDrops) { sum, interface in
            guard let drops = interface.drops else { return sum }
            return (sum ?? 0) &+ drops
        }
    }

    mutating func begin() {
        hasBegun = true
        earlierDrops = drops
        earlierInterfaces += interfaces.count
        interfaces.removeAll(keepingCapacity: true)
    }
}

// A block is its type, its length, a body and its length again, in the section's byte order. Every
// length is checked before anything is believed that stands in the block.
extension CaptureReader {
    @inline(__always)
    mutating func nextBlock(_ window: RawSpan, isFinal: Bool) -> Step {
        if skipping != nil, let stop = skip(window, isFinal: isFinal) { return stop }
        while true {
            let start = consumed
            let rest = window.byteCount - start
            guard rest >= 12 else { return missing(window, needed: 12, isFinal: isFinal) }
            // A section header's type is the same in either byte order.
            let type = uint32(window, at: start)
            if type == PcapngBlock.sectionHeader {
                // The order is told by the magic after the length.
                switch window.bigEndianUInt32(at: start + 8) {
                case 0x1a2b_3c4d: isBigEndian = true
                case 0x4d3c_2b1a: isBigEndian = false
                case let found: return damage(.byteOrderMagic(found), at: 8)
                }
            }
            let length = uint32(window, at: start + 4)
            guard let minimum = Self.minimumLength(of: type) else {
                if let stop = beginSkip(window, type, length, isFinal: isFinal) { return stop }
                continue
            }
            if let stop = check(window, type, length, minimum: minimum, isFinal: isFinal) {
                return stop
            }
            let end = start + Int(length)
            let outcome: Step?
            switch type {
            case PcapngBlock.enhancedPacket: outcome = enhancedPacket(window, end: end)
            case PcapngBlock.simplePacket: outcome = simplePacket(window, end: end)
            case PcapngBlock.packet: outcome = packet(window, end: end)
            case PcapngBlock.interfaceDescription: outcome = interface(window, end: end)
            case PcapngBlock.interfaceStatistics: outcome = statistics(window, end: end)
            default: outcome = sectionHeader(window)
            }
            if case .damaged = outcome { return outcome ?? .end }
            consumed = end
            if let outcome { return outcome }
        }
    }

    /// The least octets of a block whose type is known; nil for the others.
    private static func minimumLength(of type: UInt32) -> Int? {
        switch type {
        case PcapngBlock.enhancedPacket, PcapngBlock.packet: 32
        case PcapngBlock.simplePacket: 16
        case PcapngBlock.interfaceDescription: 20
        // Packets are read without them too, so what is wrong inside is left out.
        case PcapngBlock.interfaceStatistics: 12
        case PcapngBlock.sectionHeader: 28
        default: nil
        }
    }

    /// Makes sure that a block is whole, in the window, and of one length; nil if it is.
    @inline(__always)
    private mutating func check(
        _ window: RawSpan, _ type: UInt32, _ length: UInt32, minimum: Int, isFinal: Bool
    ) -> Step? {
        guard length >= minimum, length % 4 == 0, length <= Self.maximumRecordLength else {
            return badLength(type, length, minimum: minimum, maximum: Self.maximumRecordLength)
        }
        guard window.byteCount - consumed >= Int(length) else {
            return missing(window, needed: Int(length), isFinal: isFinal)
        }
        let after = uint32(window, at: consumed + Int(length) - 4)
        guard after == length else {
            return damage(
                .blockLengthMismatch(type: type, before: length, after: after),
                at: Int(length) - 4)
        }
        return nil
    }

    @inline(never)
    private mutating func badLength(
        _ type: UInt32, _ length: UInt32, minimum: Int, maximum: Int
    ) -> Step {
        if length < minimum {
            return damage(.blockTooShort(type: type, octets: length, minimum: minimum), at: 4)
        }
        guard length <= maximum else {
            return damage(.blockTooLong(type: type, octets: length, maximum: maximum), at: 4)
        }
        return damage(.blockNotAligned(type: type, octets: length), at: 4)
    }

    // MARK: Blocks that are not read

    /// Begins to skip a block, which need not fit in a window; nil when that is done.
    private mutating func beginSkip(
        _ window: RawSpan, _ type: UInt32, _ length: UInt32, isFinal: Bool
    ) -> Step? {
        guard length >= 12, length % 4 == 0, length <= Self.maximumSkippedLength else {
            return badLength(type, length, minimum: 12, maximum: Self.maximumSkippedLength)
        }
        skipping = (octets: Int(length) - 4, type: type, length: length)
        return skip(window, isFinal: isFinal)
    }

    private mutating func skip(_ window: RawSpan, isFinal: Bool) -> Step? {
        guard let (octets, type, length) = skipping else { return nil }
        let step = min(octets, window.byteCount - consumed)
        consumed += step
        skipping?.octets -= step
        guard octets == step, window.byteCount - consumed >= 4 else {
            let left = octets - step + 4
            guard isFinal else { return .needMore(min(left, 65_536)) }
            let present = Int(length) - left + (octets == step ? window.byteCount - consumed : 0)
            // The offset of a cut record is that of its start.
            return damage(
                .cutRecord(present: present, needed: Int(length)),
                at: -(Int(length) - left))
        }
        let after = uint32(window, at: consumed)
        guard after == length else {
            return damage(.blockLengthMismatch(type: type, before: length, after: after), at: 0)
        }
        consumed += 4
        skipping = nil
        return nil
    }

    // MARK: Blocks that are read; each is whole and in the window

    /// Byte-order magic, version, length of the section (or -1; not needed), options.
    private mutating func sectionHeader(_ window: RawSpan) -> Step? {
        let major = uint16(window, at: consumed + 12)
        let minor = uint16(window, at: consumed + 14)
        guard major == 1 else {
            return damage(.unsupportedVersion(major: major, minor: minor), at: 12)
        }
        section.begin()
        return nil
    }

    /// Link type, two octets reserved, snapshot length, options.
    private mutating func interface(_ window: RawSpan, end: Int) -> Step? {
        guard section.interfaces.count < Self.maximumInterfaces else {
            return damage(.tooManyInterfaces, at: 0)
        }
        let start = consumed
        var interface = PcapngSection.Interface(
            linkType: LinkType(rawValue: UInt32(uint16(window, at: start + 8))),
            snapLength: uint32(window, at: start + 12))
        var offset = start + 16
        var seconds: Int64?
        // An option is its code, its length and its value, padded to four octets.
        while offset + 4 <= end - 4 {
            let code = uint16(window, at: offset)
            let length = uint16(window, at: offset + 2)
            let value = offset + 4
            if code == 0 { break }
            let isRight = code == 9 ? length == 1 : code == 14 ? length == 8 : true
            guard isRight, value + Int(length) <= end - 4 else {
                return damage(
                    .interfaceOption(code: code, octets: length), at: offset - start)
            }
            if code == 9 {
                let octet = window.uint8(at: value)
                guard let resolution = StampResolution(option: octet) else {
                    return damage(.stampResolution(octet), at: value - start)
                }
                interface.resolution = resolution
            } else if code == 14 {
                seconds = Int64(bitPattern: uint64(window, at: value))
            }
            offset = value + (Int(length) + 3) & ~3
        }
        if let seconds { interface.resolution.setOffset(seconds: seconds) }
        section.interfaces.append(interface)
        return nil
    }

    /// Interface, stamp, options; those of interest count packets since the capture began.
    private mutating func statistics(_ window: RawSpan, end: Int) -> Step? {
        guard end - consumed >= 24 else { return nil }
        let interface = uint32(window, at: consumed + 8)
        guard interface < UInt32(section.interfaces.count) else { return nil }
        var drops: UInt64?
        var offset = consumed + 20
        while offset + 4 <= end - 4 {
            let code = uint16(window, at: offset)
            let length = Int(uint16(window, at: offset + 2))
            let value = offset + 4
            guard code != 0, value + length <= end - 4 else { break }
            // isb_ifdrop: by the interface; isb_osdrop: by the operating system.
            if code == 5 || code == 7, length == 8 {
                drops = (drops ?? 0) &+ uint64(window, at: value)
            }
            offset = value + (length + 3) & ~3
        }
        if let drops { section.interfaces[Int(interface)].drops = drops }
        return nil
    }

    private func uint64(_ window: RawSpan, at offset: Int) -> UInt64 {
        let high = uint32(window, at: isBigEndian ? offset : offset + 4)
        let low = uint32(window, at: isBigEndian ? offset + 4 : offset)
        return UInt64(high) << 32 | UInt64(low)
    }

    /// Interface, stamp high and low, captured length, length on the wire, octets, options.
    @inline(__always)
    private mutating func enhancedPacket(_ window: RawSpan, end: Int) -> Step {
        captured(
            window, end: end, interface: uint32(window, at: consumed + 8))
    }

    /// As an enhanced packet, but 16 bits of interface and 16 of a drop counter.
    private mutating func packet(_ window: RawSpan, end: Int) -> Step {
        captured(window, end: end, interface: UInt32(uint16(window, at: consumed + 8)))
    }

    @inline(__always)
    private mutating func captured(_ window: RawSpan, end: Int, interface: UInt32) -> Step {
        let start = consumed
        guard interface < UInt32(section.interfaces.count) else {
            return damage(
                .unknownInterface(interface, described: section.interfaces.count), at: 8)
        }
        let octets = uint32(window, at: start + 20)
        guard octets <= Self.maximumPacketLength else {
            return damage(.packetTooLong(octets: octets), at: 20)
        }
        // 28 octets before the packet, a length of 4 after it.
        let room = end - start - 32
        guard octets <= room else {
            return damage(.packetBeyondBlock(octets: octets, room: room), at: 20)
        }
        let high = uint32(window, at: start + 12)
        let low = uint32(window, at: start + 16)
        let ticks = UInt64(high) << 32 | UInt64(low)
        let described = section.interfaces[Int(interface)]
        return .packet(
            CapturedPacket(
                interface: section.earlierInterfaces + Int(interface),
                linkType: described.linkType, arrival: described.resolution.wallTime(ticks: ticks),
                wireLength: Int(uint32(window, at: start + 24)),
                octets: (start + 28)..<(start + 28 + Int(octets))))
    }

    /// Length on the wire, octets; of interface 0, whose snapshot length says how many they are.
    private mutating func simplePacket(_ window: RawSpan, end: Int) -> Step {
        let start = consumed
        guard let interface = section.interfaces.first else {
            return damage(.unknownInterface(0, described: 0), at: 0)
        }
        let wire = uint32(window, at: start + 8)
        let octets = interface.snapLength == 0 ? wire : min(wire, interface.snapLength)
        guard octets <= Self.maximumPacketLength else {
            return damage(.packetTooLong(octets: octets), at: 8)
        }
        let room = end - start - 16
        guard octets <= room else {
            return damage(.packetBeyondBlock(octets: octets, room: room), at: 8)
        }
        return .packet(
            CapturedPacket(
                interface: section.earlierInterfaces, linkType: interface.linkType, arrival: nil,
                wireLength: Int(wire), octets: (start + 12)..<(start + 12 + Int(octets))))
    }
}
