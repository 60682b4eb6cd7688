// `timespec` belongs to the module that is loaded first, and in this one that may be CLinux.
internal import CLinux
internal import Glibc

/// A folder of files that this process writes and deletes, like the captures under `state_dir`.
public struct StateFolder: Hashable, Sendable {
    /// A regular file in the folder.
    public struct File: Hashable, Sendable {
        /// Its name, without the folder.
        public var name: String
        /// Its size in octets.
        public var size: Int
        /// When it was last written, in nanoseconds since 1970-01-01 UTC.
        public var modified: Int64
    }

    /// The folder's path.
    public let path: String

    /// The end of the name of a file that is not whole yet.
    public static let unfinishedSuffix = ".part"

    /// Names a folder; nothing is looked at yet.
    public init(_ path: String) { self.path = path }

    /// Makes the folder, for its owner and group, unless it is there; the folder above must be.
    ///
    /// - Throws: `FileError`, with the operation that failed and its errno.
    public func create() throws(FileError) {
        try check(path)
        guard unsafe mkdir(path, 0o750) != 0, errno != EEXIST else { return }
        throw FileError(operation: "mkdir", path: path, reason: .system(errno))
    }

    /// Its regular files, hidden ones included, in no order; empty where there is no folder.
    ///
    /// - Throws: `FileError`, with the operation that failed and its errno.
    public func files() throws(FileError) -> [File] {
        try check(path)
        guard let folder = unsafe opendir(path) else {
            if errno == ENOENT { return [] }
            throw FileError(operation: "opendir", path: path, reason: .system(errno))
        }
        defer { unsafe closedir(folder) }
        var files: [File] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            var status = stat()
            // A file that is gone meanwhile, and a name that is no text, are nobody's here.
            guard
                unsafe fstatat(dirfd(folder), name, &status, AT_SYMLINK_NOFOLLOW) == 0,
                status.st_mode & S_IFMT == S_IFREG
            else { continue }
            files.append(
                File(
                    name: name, size: Int(status.st_size),
                    modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000
                        + Int64(status.st_mtim.tv_nsec)))
        }
        return files
    }

    /// Writes a whole file, or none: under another name first, which is then changed.
    ///
    /// - Parameters:
    ///   - octets: what is in it.
    ///   - name: its name, without a folder; a file of that name is replaced.
    ///   - mode: who may use it, whatever the process' mask is.
    /// - Throws: `FileError`, with the operation that failed and its errno.
    public func write(_ octets: [UInt8], to name: String, mode: UInt32) throws(FileError) {
        let target = try file(name)
        let draft = "\(path)/.\(name)\(Self.unfinishedSuffix)"
        _ = unsafe unlink(draft)
        let descriptor = unsafe open(
            draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_t(0o600))
        guard descriptor >= 0 else {
            throw FileError(operation: "open", path: draft, reason: .system(errno))
        }
        var failure = unsafe Self.write(octets, to: descriptor)
        if failure == nil, fchmod(descriptor, mode_t(mode)) != 0 { failure = ("fchmod", errno) }
        // A full disk may show as late as this.
        if close(descriptor) != 0, failure == nil { failure = ("close", errno) }
        if failure == nil, unsafe rename(draft, target) != 0 { failure = ("rename", errno) }
        guard let failure else { return }
        _ = unsafe unlink(draft)
        throw FileError(operation: failure.0, path: target, reason: .system(failure.1))
    }

    /// Deletes a file; one that is not there is deleted already.
    ///
    /// - Throws: `FileError`, with the operation that failed and its errno.
    public func remove(_ name: String) throws(FileError) {
        let target = try file(name)
        guard unsafe unlink(target) != 0, errno != ENOENT else { return }
        throw FileError(operation: "unlink", path: target, reason: .system(errno))
    }

    /// Reads a file of the folder from start to end.
    ///
    /// - Throws: `FileError`, with the operation that failed and its errno.
    public func read(_ name: String, limit: Int) throws(FileError) -> [UInt8] {
        try SmallFile.read(try file(name), limit: limit)
    }

    private func file(_ name: String) throws(FileError) -> String {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(UInt8(ascii: "/"))
        else { throw FileError(operation: "name", path: name, reason: .system(EINVAL)) }
        let target = "\(path)/\(name)"
        try check(target)
        return target
    }

    private func check(_ path: String) throws(FileError) {
        guard !path.utf8.contains(0) else {
            throw FileError(operation: "open", path: path, reason: .system(EINVAL))
        }
    }

    @unsafe private static func write(
        _ octets: [UInt8], to descriptor: Int32
    ) -> (String, Int32)? {
        unsafe octets.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let count = unsafe Glibc.write(
                    descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
                guard count > 0 else {
                    if count < 0, errno == EINTR { continue }
                    return ("write", count == 0 ? EIO : errno)
                }
                written += count
            }
            return nil
        }
    }
}
