internal import Glibc

/// Files of /proc that belong to the network namespace of the calling thread.
public enum NetworkFile {
    /// A folder of such files.
    public enum Folder: Hashable, Sendable {
        /// /proc/net, of the thread and not of the process, whose other threads may be elsewhere.
        case net
        /// /proc/sys/net, which the kernel resolves for whoever opens it.
        case sysctl

        var path: String {
            switch self {
            case .net: "/proc/thread-self/net"
            case .sysctl: "/proc/sys/net"
            }
        }
    }

    /// The errno(3) value for a file that is not there: the kernel lacks what it is about.
    public static let noSuchFile: Int32 = ENOENT

    /// Reads a file from start to end.
    ///
    /// - Parameters:
    ///   - folder: the folder it is in.
    ///   - path: its path in the folder.
    ///   - limit: the most octets to take; a longer file is an error, not a cut text.
    /// - Returns: all octets of the file.
    /// - Throws: `FileError`, with the operation that failed and its errno.
    public static func read(
        _ folder: Folder, _ path: String, limit: Int
    ) throws(FileError) -> [UInt8] {
        try SmallFile.read("\(folder.path)/\(path)", limit: limit)
    }

    /// Reads a file that a kernel may not have; nil where it has not.
    public static func readIfThere(
        _ folder: Folder, _ path: String, limit: Int
    ) throws(FileError) -> [UInt8]? {
        do throws(FileError) {
            return try read(folder, path, limit: limit)
        } catch {
            guard error.reason == .system(noSuchFile) else { throw error }
            return nil
        }
    }
}
