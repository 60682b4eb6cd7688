import NetworkPrimitives

// Why classic pcap is read here too, and not by libpcap: damage gets its exact offset; gzip, standard
// input and memory are windows like any other; pcapng files with several link types or snapshot
// lengths, which libpcap 1.10 refuses, need a reader anyway; and a pure reader is fuzzed as it runs.
// libpcap stays the judge in the tests, and does all live capture.

/// Reads pcap and pcapng files, as much of them at a time as there is.
///
/// The caller holds a *window* of the file and calls `next` until it says `needMore`; then it drops
/// the first `consumed` octets (`discardConsumed`), adds more at the end and goes on. Packets are
/// ranges of the window, nothing is copied.
///
/// Takes any octets. Bounded: a window of `maximumRecordLength` octets is always enough, and what is
/// remembered are `maximumInterfaces` interfaces of a section.
public struct CaptureReader: Sendable {
    /// The most octets of a packet that are believed: libpcap's and Wireshark's limit.
    public static let maximumPacketLength = 262_144
    /// The most octets of a record that is read whole: a packet with 128 KiB of options.
    public static let maximumRecordLength = maximumPacketLength + 131_072
    /// The most octets of a pcapng block that is skipped: libpcap's limit for every block.
    public static let maximumSkippedLength = 16 << 20
    /// The most interfaces of a section: packet blocks of old have 16 bits for their number.
    public static let maximumInterfaces = 65_536

    /// What a step found.
    public enum Step: Sendable {
        /// A packet; its octets are a range of the window.
        case packet(CapturedPacket)
        /// The window must hold this many octets from `consumed` on; says so again unless it does.
        case needMore(Int)
        /// The capture ended, after a whole record.
        case end
        /// The capture cannot be read from here on; says so again.
        case damaged(CaptureDamage)
    }

    /// Octets of the window that were read.
    public internal(set) var consumed = 0
    /// Where in the capture the window starts.
    public private(set) var windowOffset = 0
    /// The format, as soon as the first four octets told it.
    public internal(set) var format: CaptureFormat?

    /// Packets that the file so far says were lost while capturing; nil where it does not say.
    ///
    /// pcapng's interface statistics; they stand at the end of a section as a rule.
    public var reportedDrops: UInt64? { section.drops }

    var phase = Phase.start
    var isBigEndian = false
    var classic = ClassicPcap()
    var section = PcapngSection()
    /// What is left to skip of a block, its trailing length not counted, and that length.
    var skipping: (octets: Int, type: UInt32, length: UInt32)?

    enum Phase: Sendable {
        case start
        case classic
        case blocks
        case finished(CaptureDamage?)
    }

    /// A reader at the start of a capture.
    public init() {}

    /// Says that the caller drops the first `consumed` octets of the window.
    ///
    /// - Returns: how many octets to drop.
    public mutating func discardConsumed() -> Int {
        defer { consumed = 0 }
        windowOffset += consumed
        return consumed
    }

    /// Reads the next record.
    ///
    /// - Parameters:
    ///   - window: the octets from `windowOffset` on that the caller has.
    ///   - isFinal: whether the capture ends where the window does.
    /// - Returns: the record, or what is needed to read it.
    public mutating func next(_ window: RawSpan, isFinal: Bool) -> Step {
        switch phase {
        case .classic: return nextRecord(window, isFinal: isFinal)
        case .blocks: return nextBlock(window, isFinal: isFinal)
        case .start: return begin(window, isFinal: isFinal)
        case .finished(let damage): return damage.map { .damaged($0) } ?? .end
        }
    }
}

// MARK: - The start

extension CaptureReader {
    private mutating func begin(_ window: RawSpan, isFinal: Bool) -> Step {
        let rest = window.byteCount - consumed
        guard rest >= 4 else {
            guard isFinal else { return .needMore(4) }
            return rest == 0
                ? damage(.empty, at: 0)
                : damage(.cutHeader(present: rest, needed: ClassicPcap.headerLength), at: 0)
        }
        let magic = window.bigEndianUInt32(at: consumed)
        if magic == PcapngBlock.sectionHeader {
            format = .pcapng
            phase = .blocks
            return next(window, isFinal: isFinal)
        }
        for (isBig, number) in [(true, magic), (false, magic.byteSwapped)] {
            guard let format = ClassicPcap.format(magic: number) else { continue }
            isBigEndian = isBig
            return beginClassic(window, format, isFinal: isFinal)
        }
        guard isFinal || rest >= LikelyContents.lookahead else {
            return .needMore(LikelyContents.lookahead)
        }
        let contents = LikelyContents(startOf: window, from: consumed)
        return damage(.notACapture(magic: magic, contents: contents), at: 0)
    }

    private typealias LikelyContents = CaptureDamage.LikelyContents

    private mutating func beginClassic(
        _ window: RawSpan, _ format: CaptureFormat, isFinal: Bool
    ) -> Step {
        let rest = window.byteCount - consumed
        let needed = ClassicPcap.headerLength
        guard rest >= needed else {
            return isFinal
                ? damage(.cutHeader(present: rest, needed: needed), at: 0) : .needMore(needed)
        }
        self.format = format
        let major = uint16(window, at: consumed + 4)
        let minor = uint16(window, at: consumed + 6)
        guard major == 2, minor <= 4 else {
            return damage(.unsupportedVersion(major: major, minor: minor), at: 4)
        }
        classic = ClassicPcap(
            format: format, minorVersion: minor, network: uint32(window, at: consumed + 20))
        consumed += needed
        phase = .classic
        return next(window, isFinal: isFinal)
    }
}

// MARK: - Numbers and ends

extension CaptureReader {
    @inline(__always)
    func uint16(_ window: RawSpan, at offset: Int) -> UInt16 {
        let number = window.bigEndianUInt16(at: offset)
        return isBigEndian ? number : number.byteSwapped
    }

    @inline(__always)
    func uint32(_ window: RawSpan, at offset: Int) -> UInt32 {
        let number = window.bigEndianUInt32(at: offset)
        return isBigEndian ? number : number.byteSwapped
    }

    /// Ends the reading with damage `offset` octets behind what was consumed.
    @inline(never)
    mutating func damage(_ kind: CaptureDamage.Kind, at offset: Int) -> Step {
        let damage = CaptureDamage(offset: windowOffset + consumed + offset, kind: kind)
        phase = .finished(damage)
        return .damaged(damage)
    }

    /// What follows from a record's `needed` octets not being in the window.
    @inline(never)
    mutating func missing(_ window: RawSpan, needed: Int, isFinal: Bool) -> Step {
        guard isFinal else { return .needMore(needed) }
        let rest = window.byteCount - consumed
        if format == .pcapng, !section.hasBegun {
            return damage(.cutHeader(present: rest, needed: max(needed, 28)), at: 0)
        }
        guard rest == 0 else { return damage(.cutRecord(present: rest, needed: needed), at: 0) }
        phase = .finished(nil)
        return .end
    }
}
