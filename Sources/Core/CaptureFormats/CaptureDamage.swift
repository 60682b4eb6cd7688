/// Where a capture stops making sense, what stands there, and what would be right.
///
/// What was read before is good. Reading does not go on behind it: neither format has marks from
/// which a reader could tell a record from a packet's contents.
public struct CaptureDamage: Error, Hashable, Sendable {
    /// Where it is, in octets from the start of the capture.
    ///
    /// Where the file is gzip'd: of the uncompressed capture, but of the file itself for the kinds
    /// that are about gzip.
    public var offset: Int
    /// What is wrong there.
    public var kind: Kind
    /// Whether the capture was gzip'd.
    public var isGzipped: Bool

    /// What is wrong.
    public enum Kind: Hashable, Sendable {
        /// There is no octet.
        case empty
        /// The first four octets, as a number in network order, are no capture's.
        case notACapture(magic: UInt32, contents: LikelyContents)
        /// The file ends in its header, after this many of the octets it has.
        case cutHeader(present: Int, needed: Int)
        /// The file ends in a record, after this many of the octets it has.
        case cutRecord(present: Int, needed: Int)
        /// A version that is not known.
        case unsupportedVersion(major: UInt16, minor: UInt16)
        /// A packet of more octets than any packet has.
        case packetTooLong(octets: UInt32)
        /// A pcapng block of fewer octets than its type needs.
        case blockTooShort(type: UInt32, octets: UInt32, minimum: Int)
        /// A pcapng block of more octets than is believed.
        case blockTooLong(type: UInt32, octets: UInt32, maximum: Int)
        /// A pcapng block's length is no multiple of four.
        case blockNotAligned(type: UInt32, octets: UInt32)
        /// The length after a pcapng block is not the one before it.
        case blockLengthMismatch(type: UInt32, before: UInt32, after: UInt32)
        /// The byte-order magic of a section is neither order's.
        case byteOrderMagic(UInt32)
        /// A packet names an interface that the section does not describe.
        case unknownInterface(UInt32, described: Int)
        /// The captured length is longer than its block.
        case packetBeyondBlock(octets: UInt32, room: Int)
        /// More interfaces than `CaptureReader.maximumInterfaces`.
        case tooManyInterfaces
        /// An option of an interface description is longer than the block, or not as long as its
        /// meaning asks.
        case interfaceOption(code: UInt16, octets: UInt16)
        /// A stamp resolution finer than 10⁻¹⁹ s or 2⁻⁶³ s, as the option's octet says it.
        case stampResolution(UInt8)
        /// The file ends inside a gzip member.
        case gzipCut
        /// The octets of a gzip member cannot be decompressed.
        case gzipCorrupt
        /// Checksum or length after a gzip member are not those of what it held.
        case gzipChecksum
        /// Octets after the last gzip member that begin no other.
        case gzipTrailingOctets
    }

    /// What a file that is no capture looks like.
    public enum LikelyContents: String, CaseIterable, Hashable, Sendable {
        /// Characters only.
        case text = "text"
        /// A tar archive.
        case tar = "a tar archive"
        /// gzip; the reader gets uncompressed octets, so it was compressed twice.
        case gzip = "gzip"
        /// bzip2.
        case bzip2 = "bzip2"
        /// xz.
        case xz = "xz"
        /// Zstandard.
        case zstd = "Zstandard"
        /// LZ4.
        case lz4 = "LZ4"
        /// A zip archive.
        case zip = "a zip archive"
        /// A program.
        case elf = "an ELF program"
        /// A capture of Solaris' snoop, RFC 1761.
        case snoop = "a snoop capture"
        /// A capture of Microsoft Network Monitor.
        case netmon = "a Network Monitor capture"
        /// Zeros only, as after a crash of the writing host.
        case zeros = "zeros"
        /// None of these.
        case unknown = "no known format"
    }

    /// Makes a description of damage.
    public init(offset: Int, kind: Kind, isGzipped: Bool = false) {
        self.offset = offset
        self.kind = kind
        self.isGzipped = isGzipped
    }

    /// Whether the only damage is that the file ends early, as it does when the writing program was
    /// stopped: what is there is whole.
    public var isCutTail: Bool {
        switch kind {
        case .cutRecord, .gzipCut: true
        default: false
        }
    }
}

extension CaptureDamage: CustomStringConvertible {
    /// One sentence with the offset, what is there and what would be right.
    public var description: String {
        let start = "at offset \(offset)"
        switch kind {
        case .empty: return isGzipped ? "gzip of an empty file" : "the file is empty"
        case .notACapture(let magic, let contents):
            let wrapped = isGzipped ? "gzip'd: inside is \(contents.rawValue)" : contents.rawValue
            return
                "this is \(wrapped): expected a pcap or pcapng magic number \(start), found "
                + Self.hexadecimal(magic)
        case .gzipCut: return "\(start) of the gzip file: it ends in the middle"
        case .gzipCorrupt: return "\(start) of the gzip file: what follows cannot be decompressed"
        case .gzipChecksum:
            return "\(start) of the gzip file: checksum or length are not those of the contents"
        case .gzipTrailingOctets:
            return "\(start) of the gzip file: what follows the compressed capture is not gzip"
        default:
            return isGzipped
                ? "\(start) of the uncompressed capture: \(detail)"
                : "\(start): \(detail)"
        }
    }

    private var detail: String {
        switch kind {
        case .cutHeader(let present, let needed):
            return "the file ends after \(present) of the \(needed) octets of its header"
        case .cutRecord(let present, let needed):
            return "the file ends after \(present) of a record's \(needed) octets"
        case .unsupportedVersion(let major, let minor):
            return "version \(major).\(minor) of the format; pcap has 2.0 to 2.4, pcapng has 1.x"
        case .packetTooLong(let octets):
            return
                "a packet of \(octets) octets; at most \(CaptureReader.maximumPacketLength) are "
                + "believed"
        case .blockTooShort(let type, let octets, let minimum):
            return "\(Self.block(type)) of \(octets) octets; it has at least \(minimum)"
        case .blockTooLong(let type, let octets, let maximum):
            return "\(Self.block(type)) of \(octets) octets; at most \(maximum) are believed"
        case .blockNotAligned(let type, let octets):
            return "\(Self.block(type)) of \(octets) octets; lengths are multiples of 4"
        case .blockLengthMismatch(let type, let before, let after):
            return
                "\(Self.block(type)) of \(before) octets ends with length \(after); both are equal"
        case .byteOrderMagic(let found):
            return
                "byte-order magic \(Self.hexadecimal(found)); it is 0x1a2b3c4d in either order"
        case .unknownInterface(let number, let described):
            return "a packet of interface \(number); the section describes \(described)"
        case .packetBeyondBlock(let octets, let room):
            return "a packet of \(octets) captured octets in a block with room for \(room)"
        case .tooManyInterfaces:
            return "more than \(CaptureReader.maximumInterfaces) interfaces in a section"
        case .interfaceOption(let code, let octets):
            return "option \(code) of an interface with \(octets) octets, which do not fit"
        case .stampResolution(let octet):
            return
                "stamps in units of \(octet & 0x80 == 0 ? "10" : "2")^-\(octet & 0x7f) s; at most "
                + "10^-19 or 2^-63 are read"
        case .empty, .notACapture, .gzipCut, .gzipCorrupt, .gzipChecksum, .gzipTrailingOctets:
            return ""
        }
    }

    private static func hexadecimal(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }

    private static func block(_ type: UInt32) -> String {
        switch type {
        case PcapngBlock.sectionHeader: "a section header"
        case PcapngBlock.interfaceDescription: "an interface description"
        case PcapngBlock.packet: "an (obsolete) packet block"
        case PcapngBlock.simplePacket: "a simple packet block"
        case PcapngBlock.interfaceStatistics: "interface statistics"
        case PcapngBlock.enhancedPacket: "an enhanced packet block"
        default: "a block of type \(hexadecimal(type))"
        }
    }
}
