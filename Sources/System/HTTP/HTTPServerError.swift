internal import Glibc

/// Why a server could not start.
public enum HTTPServerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another socket is bound to the address and port.
    case addressInUse(endpoint: HTTPEndpoint)
    /// The host name has no address, or the address is not one of this host.
    case addressNotAvailable(endpoint: HTTPEndpoint)
    /// The path is longer than `sun_path` holds: 107 bytes (unix(7)).
    case pathTooLong(path: String)
    /// The directory that is to hold the socket does not exist.
    case directoryMissing(path: String)
    /// Something that is not a socket has that name; it is left alone.
    case notASocket(path: String)
    /// A process listens on that socket.
    case alreadyRunning(path: String)
    /// The group does not exist on this host.
    case unknownGroup(name: String, path: String)
    /// The kernel refused for lack of permission.
    case permissionDenied(operation: String, endpoint: HTTPEndpoint)
    /// Any other refusal by the kernel.
    case system(errno: Int32, operation: String, endpoint: HTTPEndpoint)
    /// `start()` was called on a server that runs or has been stopped.
    case alreadyStarted

    /// Where, what, and what would be right.
    public var description: String {
        switch self {
        case .addressInUse(let endpoint):
            "\(endpoint): another process listens there; stop it or choose another port"
        case .addressNotAvailable(let endpoint):
            "\(endpoint): no address of this host; use one that `ip address` shows, or a loopback"
        case .pathTooLong(let path):
            "\(path): \(path.utf8.count) bytes, a socket's path has at most 107"
        case .directoryMissing(let path):
            "\(path): its directory does not exist; create it (systemd: RuntimeDirectory=)"
        case .notASocket(let path):
            "\(path): exists and is not a socket; remove it or choose another path"
        case .alreadyRunning(let path):
            "\(path): a running process listens there; stop it first"
        case .unknownGroup(let name, let path):
            "\(path): there is no group '\(name)'; create it with `addgroup --system \(name)`"
        case .permissionDenied(let operation, let endpoint):
            "\(endpoint): \(operation): permission denied"
        case .system(let code, let operation, let endpoint):
            "\(endpoint): \(operation): \(errnoText(code))"
        case .alreadyStarted:
            "the server was started before; make a new one"
        }
    }

    /// The case that fits an errno.
    static func from(
        errno code: Int32, operation: String, endpoint: HTTPEndpoint
    ) -> HTTPServerError {
        switch code {
        case EADDRINUSE: .addressInUse(endpoint: endpoint)
        case EADDRNOTAVAIL: .addressNotAvailable(endpoint: endpoint)
        case EACCES, EPERM: .permissionDenied(operation: operation, endpoint: endpoint)
        default: .system(errno: code, operation: operation, endpoint: endpoint)
        }
    }
}

/// The C library's text for an errno.
func errnoText(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    guard unsafe strerror_r(code, &buffer, buffer.count) == 0 else { return "errno \(code)" }
    let end = buffer.firstIndex(of: 0) ?? buffer.endIndex
    return String(decoding: buffer[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
