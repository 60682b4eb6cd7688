internal import Glibc

/// A listening Unix socket's file: made with the right owner and mode, taken over from a dead
/// process, left to a live one.
struct UnixListener: Sendable {
    /// The listening descriptor; NIO owns it from the moment it is handed over.
    let descriptor: CInt

    private let path: String
    private let device: UInt
    private let inode: UInt

    /// Binds the socket and listens; NIO accepts.
    init(path: String, mode: UInt16, group: String?) throws(HTTPServerError) {
        let endpoint = HTTPEndpoint.unix(path: path, mode: mode, group: group)
        guard sockaddr_un(path: path) != nil else { throw .pathTooLong(path: path) }
        let groupID: gid_t? =
            if let group {
                try Self.groupID(of: group, for: endpoint, path: path)
            } else {
                nil
            }

        // Two processes that start at once must not take the socket from each other between the
        // look and the bind, so both take this lock first. It is the directory's: no file is left.
        let directory = unsafe open(Self.directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else {
            throw errno == ENOENT
                ? .directoryMissing(path: path)
                : .from(errno: errno, operation: "open its directory", endpoint: endpoint)
        }
        defer { _ = Glibc.close(directory) }
        guard flock(directory, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK
                ? .alreadyRunning(path: path)
                : .from(errno: errno, operation: "lock its directory", endpoint: endpoint)
        }
        try Self.removeStaleSocket(at: path, endpoint)

        let descriptor = socket(
            AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else {
            throw .from(errno: errno, operation: "socket", endpoint: endpoint)
        }
        var isBound = false
        do throws(HTTPServerError) {
            // bind(2) gives the file the socket's own mode less the umask: nobody else can connect
            // before owner and mode are what was asked for.
            guard fchmod(descriptor, 0o600) == 0 else {
                throw .from(errno: errno, operation: "fchmod", endpoint: endpoint)
            }
            guard unsafe Self.withAddress(path, { unsafe bind(descriptor, $0, $1) }) == 0 else {
                throw .from(errno: errno, operation: "bind", endpoint: endpoint)
            }
            isBound = true
            if let groupID, unsafe chown(path, uid_t.max, groupID) != 0 {
                throw .from(
                    errno: errno, operation: "chown to group '\(group ?? "")'", endpoint: endpoint)
            }
            guard unsafe chmod(path, mode_t(mode)) == 0 else {
                throw .from(errno: errno, operation: "chmod", endpoint: endpoint)
            }
            // While the lock is held: a socket that is bound and not listening looks stale.
            guard listen(descriptor, 128) == 0 else {
                throw .from(errno: errno, operation: "listen", endpoint: endpoint)
            }
            var status = stat()
            guard unsafe lstat(path, &status) == 0 else {
                throw .from(errno: errno, operation: "lstat", endpoint: endpoint)
            }
            (device, inode) = (status.st_dev, status.st_ino)
            self.descriptor = descriptor
            self.path = path
        } catch {
            _ = Glibc.close(descriptor)
            if isBound { _ = unsafe Glibc.unlink(path) }
            throw error
        }
    }

    /// Removes the socket's file, unless another process has put its own there since.
    func unlink() {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode
        else { return }
        _ = unsafe Glibc.unlink(path)
    }

    private static func removeStaleSocket(
        at path: String, _ endpoint: HTTPEndpoint
    ) throws(HTTPServerError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            guard errno == ENOENT else {
                throw .from(errno: errno, operation: "lstat", endpoint: endpoint)
            }
            return
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let probe = socket(
            AF_UNIX,
            CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue),
            0)
        guard probe >= 0 else {
            throw .from(errno: errno, operation: "socket", endpoint: endpoint)
        }
        defer { _ = Glibc.close(probe) }
        if unsafe withAddress(path, { unsafe connect(probe, $0, $1) }) == 0 {
            throw .alreadyRunning(path: path)
        }
        switch errno {
        // unix(7): nobody listens on it.
        case ECONNREFUSED: break
        // The listener's queue is full: somebody does.
        case EAGAIN: throw .alreadyRunning(path: path)
        case let code: throw .from(errno: code, operation: "connect", endpoint: endpoint)
        }
        guard unsafe Glibc.unlink(path) == 0 || errno == ENOENT else {
            throw .from(errno: errno, operation: "remove the stale socket", endpoint: endpoint)
        }
    }

    private static func groupID(
        of name: String, for endpoint: HTTPEndpoint, path: String
    ) throws(HTTPServerError) -> gid_t {
        var size = 1024
        while true {
            var entry = unsafe group()
            var found: UnsafeMutablePointer<group>?
            var buffer = [CChar](repeating: 0, count: size)
            let code = unsafe getgrnam_r(name, &entry, &buffer, size, &found)
            if code == ERANGE, size < 1 << 20 {
                size *= 2  // A group with many members.
                continue
            }
            guard code == 0 || code == ENOENT else {
                throw .from(errno: code, operation: "look up group '\(name)'", endpoint: endpoint)
            }
            guard unsafe found != nil else { throw .unknownGroup(name: name, path: path) }
            return unsafe entry.gr_gid
        }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Calls `body` with the path, which has been checked to fit, as a socket address.
    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        guard var address = sockaddr_un(path: path) else {
            errno = ENAMETOOLONG
            return -1
        }
        return unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

extension sockaddr_un {
    /// The address of a socket in the file system; nil when the path and its NUL do not fit.
    fileprivate init?(path: String) {
        self.init()
        sun_family = sa_family_t(AF_UNIX)
        let octets = Array(path.utf8)
        guard !octets.isEmpty, !octets.contains(0),
            octets.count < MemoryLayout.size(ofValue: sun_path)
        else { return nil }
        unsafe withUnsafeMutableBytes(of: &sun_path) { unsafe $0.copyBytes(from: octets) }
    }
}
