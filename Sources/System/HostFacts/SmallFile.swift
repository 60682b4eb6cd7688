import Glibc

/// Whole files that are known to be small: settings, and what the kernel prints under /proc.
public enum SmallFile {
    /// Reads a file from start to end, following symbolic links.
    ///
    /// Never waits: a pipe or a device is refused before the first read(2).
    ///
    /// - Parameters:
    ///   - path: the file, absolute or from the working directory.
    ///   - limit: the most octets to take; a longer file is an error, not a cut text.
    /// - Returns: all octets of the file.
    /// - Throws: `FileError`, with the operation that failed and its errno.
    public static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
        guard !path.utf8.contains(0) else {
            throw FileError(operation: "open", path: path, reason: .system(EINVAL))
        }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            throw FileError(operation: "open", path: path, reason: .system(errno))
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw FileError(operation: "fstat", path: path, reason: .system(errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let reason: FileError.Reason =
                status.st_mode & S_IFMT == S_IFDIR ? .system(EISDIR) : .notRegular
            throw FileError(operation: "read", path: path, reason: reason)
        }
        // Files of /proc have size 0 in stat(2), so the end is where read(2) returns 0.
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return contents }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw FileError(operation: "read", path: path, reason: .system(errno))
            }
            contents += chunk[..<count]
            guard contents.count <= limit else {
                throw FileError(operation: "read", path: path, reason: .tooLarge(limit: limit))
            }
        }
    }
}
