public import CaptureFormats

/// A file of text that is read from start to end, gzip'd or not, a path or standard input.
///
/// Memory is one window of `windowCapacity` octets, and 128 KiB more.
@safe public struct PackedTextFile: ~Copyable {
    /// The octets of a window: small enough to stay in a cache.
    public static let windowCapacity = 256 << 10

    /// The path as the caller gave it.
    public let path: String
    /// Octets of the text that were read, after decompression.
    public private(set) var octetsUnpacked = 0
    /// Damage of the compression; nil where there is none, and before the end.
    public var damage: CaptureDamage? { source.damage }
    /// Whether the file is gzip'd; false until the first window.
    public var isGzipped: Bool { source.isGzipped }
    /// How much was read.
    public var progress: CaptureFile.Progress {
        CaptureFile.Progress(octetsRead: source.octetsRead, octetsTotal: source.octetsTotal)
    }

    private var source: CaptureSource
    private let window: UnsafeMutableRawBufferPointer

    /// Opens a file, or standard input for `-`; reads nothing yet.
    ///
    /// - Throws: `CaptureFileError` with the path and errno.
    public init(path: String) throws(CaptureFileError) {
        source = try CaptureSource(path: path)
        self.path = path
        unsafe window = .allocate(byteCount: Self.windowCapacity, alignment: 16)
    }

    deinit {
        unsafe window.deallocate()
    }

    /// Reads what there is next, and hands it out.
    ///
    /// - Parameter body: gets the octets, which are gone when it returns; none at the end.
    /// - Returns: false at the end, good or bad (`damage`).
    /// - Throws: `CaptureFileError` where the file cannot be read on.
    public mutating func readWindow(_ body: (RawSpan) -> Void) throws(CaptureFileError) -> Bool {
        let count = unsafe try source.fill(window)
        octetsUnpacked += count
        body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: window[..<count])))
        return count > 0
    }
}
