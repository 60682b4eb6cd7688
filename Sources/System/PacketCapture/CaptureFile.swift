public import CaptureFormats

/// A capture file that is read from start to end: pcap or pcapng, gzip'd or not, a path or standard
/// input.
///
/// ```swift
/// var file = try CaptureFile(path: "wan.pcapng.gz")
/// while try file.readBatch({ packet, frame in analysis.receive(packet, frame) }) {
///     progress.show(file.progress)
/// }
/// if let damage = file.damage { print(damage) }
/// ```
///
/// Memory is one window of `windowCapacity` octets, and 128 KiB more; no packet allocates.
@safe public struct CaptureFile: ~Copyable {
    /// The path that stands for standard input.
    public static let standardInput = "-"
    /// The octets of a window: enough for every record, and small enough to stay in a cache.
    public static let windowCapacity = 512 << 10

    /// How much of a file was read.
    public struct Progress: Hashable, Sendable {
        /// Octets read so far, before decompression.
        public var octetsRead: Int
        /// All octets of the file; nil where they are not known, as of a pipe.
        ///
        /// A file that is still being written may turn out longer.
        public var octetsTotal: Int?
    }

    /// The path as the caller gave it.
    public let path: String
    /// Packets handed out so far.
    public private(set) var packets = 0
    /// Why the capture cannot be read to its end; nil before the end, and after a good one.
    public private(set) var damage: CaptureDamage?
    /// The format; nil until the first batch.
    public var format: CaptureFormat? { reader.format }
    /// Whether the file is gzip'd; false until the first batch.
    public var isGzipped: Bool { source.isGzipped }
    /// Packets that the file so far says were lost while capturing; nil where it does not say.
    public var reportedDrops: UInt64? { reader.reportedDrops }
    /// Octets of the capture that were read, after decompression.
    public var octetsUnpacked: Int { reader.windowOffset + reader.consumed }
    /// How much was read.
    public var progress: Progress {
        Progress(octetsRead: source.octetsRead, octetsTotal: source.octetsTotal)
    }

    private var source: CaptureSource
    private var reader = CaptureReader()
    private let window: UnsafeMutableRawBufferPointer
    private var filled = 0
    private var isFinal = false
    private var isAtEnd = false

    /// Opens a file, or standard input for `-`; reads nothing yet.
    ///
    /// - Throws: `CaptureFileError` with the path and errno.
    public init(path: String) throws(CaptureFileError) {
        precondition(Self.windowCapacity > CaptureReader.maximumRecordLength)
        source = try CaptureSource(path: path)
        self.path = path
        unsafe window = .allocate(byteCount: Self.windowCapacity, alignment: 16)
    }

    deinit {
        unsafe window.deallocate()
    }

    /// Reads one window and hands out its packets.
    ///
    /// - Parameter body: gets each packet and its captured octets, which are gone when it returns.
    ///   `octets` of the packet are offsets into the window, not into the second argument.
    /// - Returns: false at the end of the capture, good or bad (`damage`).
    /// - Throws: `CaptureFileError` where the file cannot be read on.
    public mutating func readBatch(
        _ body: (CapturedPacket, RawSpan) -> Void
    ) throws(CaptureFileError) -> Bool {
        guard !isAtEnd else { return false }
        try refill()
        let bytes = unsafe RawSpan(
            _unsafeBytes: UnsafeRawBufferPointer(rebasing: window[..<filled]))
        while true {
            switch reader.next(bytes, isFinal: isFinal) {
            case .packet(let packet):
                packets += 1
                body(packet, bytes.extracting(packet.octets))
            case .needMore: return true
            case .end:
                finish(nil)
                return false
            case .damaged(let found):
                finish(found)
                return false
            }
        }
    }

    /// Drops what was read from the window and fills it as far as one read goes, but by one octet
    /// at least unless the file is at its end.
    private mutating func refill() throws(CaptureFileError) {
        let dropped = reader.discardConsumed()
        if dropped > 0, dropped < filled {
            unsafe window.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: window[dropped..<filled]))
        }
        filled -= dropped
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: window[filled...])
        let count = unsafe try source.fill(room)
        filled += count
        isFinal = count == 0
    }

    private mutating func finish(_ found: CaptureDamage?) {
        isAtEnd = true
        var found = found
        found?.isGzipped = isGzipped
        // Damage of the compression also cuts the capture in it: the cause is told, not the effect.
        let isEffect =
            switch found?.kind {
            case nil, .empty, .cutHeader, .cutRecord: true
            default: false
            }
        damage = isEffect ? source.damage ?? found : found
    }
}
