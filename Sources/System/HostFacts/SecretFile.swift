internal import Glibc

/// Files that hold a secret, which only their owner may read.
public enum SecretFile {
    /// Why a secret was not read.
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// The file could not be read.
        case file(FileError)
        /// Others than its owner may read or write it.
        case exposed(path: String, mode: UInt32)
        /// It holds fewer octets than a secret must have.
        case tooShort(path: String, minimum: Int)

        /// What is wrong and, where a command helps, which.
        public var description: String {
            switch self {
            case .file(let error): return error.description
            case .exposed(let path, let mode):
                let digits = String(mode, radix: 8)
                return "\(path): group or others may use it (mode 0\(digits)): chmod 600 \(path)"
            case .tooShort(let path, let minimum):
                return "\(path): shorter than \(minimum) octets, the line end not counted"
            }
        }
    }

    /// Reads a secret, hands it to `body`, and overwrites it.
    ///
    /// One line end at the end does not belong to the secret.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - byteCounts: how many octets the secret may have.
    ///   - body: what makes something of it; must not keep the octets.
    /// - Returns: what `body` made of it.
    /// - Throws: `Failure`, which never shows any of the octets.
    public static func read<Value>(
        _ path: String, byteCounts: ClosedRange<Int>, _ body: (RawSpan) -> Value
    ) throws(Failure) -> Value {
        guard !path.utf8.contains(0) else {
            throw .file(FileError(operation: "open", path: path, reason: .system(EINVAL)))
        }
        func fail(_ operation: String) -> Failure {
            .file(FileError(operation: operation, path: path, reason: .system(errno)))
        }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw fail("open") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw fail("fstat") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .file(FileError(operation: "read", path: path, reason: .notRegular))
        }
        // Of the open file, so that nobody puts another one in its place in between.
        guard status.st_mode & 0o077 == 0 else {
            throw .exposed(path: path, mode: status.st_mode & 0o7777)
        }
        // One octet more than may be, and one for the line end.
        let room = byteCounts.upperBound + 2
        let octets = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
        defer {
            // bzero(3): this one is not optimised away.
            if let start = octets.baseAddress { unsafe explicit_bzero(start, room) }
            unsafe octets.deallocate()
        }
        var count = 0
        while count < room {
            let step = unsafe Glibc.read(
                descriptor, octets.baseAddress?.advanced(by: count), room - count)
            if step == 0 { break }
            guard step > 0 else {
                if errno == EINTR { continue }
                throw fail("read")
            }
            count += step
        }
        if count > 0, unsafe octets[count - 1] == UInt8(ascii: "\n") { count -= 1 }
        guard count >= byteCounts.lowerBound else {
            throw .tooShort(path: path, minimum: byteCounts.lowerBound)
        }
        guard count <= byteCounts.upperBound else {
            throw .file(
                FileError(
                    operation: "read", path: path,
                    reason: .tooLarge(limit: byteCounts.upperBound)))
        }
        let secret = unsafe UnsafeRawBufferPointer(rebasing: octets[..<count])
        return unsafe body(secret.bytes)
    }
}
