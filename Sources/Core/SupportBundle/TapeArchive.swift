/// Writes a tar archive as POSIX.1-1988 has it ("ustar"), file by file.
///
/// Every file is root's, of mode 0600 and of one time, so that equal contents are equal archives.
public struct TapeArchive: Sendable {
    /// Why a file cannot be in such an archive.
    public enum Failure: Error, Hashable, Sendable {
        /// Its path is empty, leads out of the archive, or is too long for its two fields.
        case path(String)
        /// It has 8 GiB or more.
        case size(Int)
    }

    /// The size of the units that an archive is made of.
    static let blockLength = 512

    private var octets: [UInt8] = []
    private let modified: Int64

    /// An archive without files.
    ///
    /// - Parameter modified: when all its files were last changed, in seconds since 1970-01-01 UTC.
    public init(modified: Int64) { self.modified = max(0, modified) }

    /// Adds a file.
    ///
    /// - Parameters:
    ///   - path: where it goes, with `/` between folders.
    ///   - contents: what is in it.
    /// - Throws: `Failure`.
    public mutating func add(_ path: String, _ contents: [UInt8]) throws(Failure) {
        // Eleven octal digits.
        guard contents.count < 1 << 33 else { throw .size(contents.count) }
        octets += try header(path, size: contents.count)
        octets += contents
        pad()
    }

    /// The whole archive.
    public consuming func finished() -> [UInt8] {
        octets += [UInt8](repeating: 0, count: 2 * Self.blockLength)
        return octets
    }

    private mutating func pad() {
        let rest = octets.count % Self.blockLength
        if rest > 0 { octets += [UInt8](repeating: 0, count: Self.blockLength - rest) }
    }

    private func header(_ path: String, size: Int) throws(Failure) -> [UInt8] {
        let (prefix, name) = try Self.fields(of: path)
        var block: [UInt8] = []
        func text(_ octets: some Sequence<UInt8>, _ length: Int) {
            let field = Array(octets)
            block += field + [UInt8](repeating: 0, count: length - field.count)
        }
        func number(_ value: Int64, _ length: Int) {
            let digits = String(value, radix: 8)
            text((String(repeating: "0", count: length - 1 - digits.count) + digits).utf8, length)
        }
        text(name, 100)
        number(0o600, 8)
        number(0, 8)
        number(0, 8)
        number(Int64(size), 12)
        number(min(modified, 0o77777777777), 12)
        // The checksum is that of a header with spaces in its place.
        text("        ".utf8, 8)
        text("0".utf8, 1)
        text([], 100)
        text("ustar\0".utf8, 6)
        text("00".utf8, 2)
        text("root".utf8, 32)
        text("root".utf8, 32)
        number(0, 8)
        number(0, 8)
        text(prefix, 155)
        text([], 12)
        let sum = block.reduce(0) { $0 + Int64($1) }
        let digits = String(sum, radix: 8)
        let checksum = String(repeating: "0", count: 6 - digits.count) + digits
        block.replaceSubrange(148..<156, with: Array(checksum.utf8) + [0, 0x20])
        return block
    }

    /// A path of more than 100 octets is split at a slash.
    private static func fields(
        of path: String
    ) throws(Failure) -> (prefix: ArraySlice<UInt8>, name: ArraySlice<UInt8>) {
        let octets = Array(path.utf8)
        let slash = UInt8(ascii: "/")
        let parts = octets.split(separator: slash, omittingEmptySubsequences: false)
        let isGood = parts.allSatisfy {
            !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8)
        }
        guard isGood, !octets.contains(0) else { throw .path(path) }
        if octets.count <= 100 { return ([], octets[...]) }
        for (index, octet) in octets.enumerated()
        where octet == slash && index <= 155 && octets.count - index - 1 <= 100 {
            return (octets[..<index], octets[(index + 1)...])
        }
        throw .path(path)
    }
}
