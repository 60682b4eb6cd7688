import CLinux
import Glibc

/// Why a socket, a namespace, a thread or an event loop could not be set up.
public struct SocketError: Error, Hashable, Sendable {
    /// What to do about the error.
    public enum Code: Hashable, Sendable {
        /// The process lacks the named capability, like `CAP_NET_RAW`.
        case notPermitted(capability: String)
        /// No network device of that name exists in the socket's network namespace.
        case noSuchDevice
        /// `/run/netns` has no network namespace of that name.
        case noSuchNamespace
        /// The kernel was built or booted without that address family.
        case familyUnsupported
        /// The limit on open files, of the process or of the system, is reached.
        case tooManyOpenFiles
        /// Anything else; `errno` says what.
        case other
    }

    /// What to do about the error.
    public let code: Code
    /// The errno(3) number of the failed call; 0 where no call was made.
    public let errno: Int32
    /// The call that failed, like `setsockopt(SO_BINDTODEVICE)`.
    public let operation: String
    /// What the call was about, like `device ipsec0`.
    public let object: String

    /// Makes an error; for adapters that share this domain.
    public init(code: Code, errno: Int32, operation: String, object: String) {
        self.code = code
        self.errno = errno
        self.operation = operation
        self.object = object
    }

    /// Classifies a failed call; `capability` is what EPERM and EACCES mean for it.
    init(_ errno: Errno, operation: String, object: String, capability: String? = nil) {
        let code: Code =
            switch errno.number {
            case EPERM, EACCES: capability.map { .notPermitted(capability: $0) } ?? .other
            case ENODEV, ENXIO: .noSuchDevice
            case EAFNOSUPPORT, EPROTONOSUPPORT: .familyUnsupported
            case EMFILE, ENFILE: .tooManyOpenFiles
            default: .other
            }
        self.init(code: code, errno: errno.number, operation: operation, object: object)
    }
}

extension SocketError: CustomStringConvertible {
    /// One line: what failed, on what, why, and what would be right.
    public var description: String {
        let reason = errno == 0 ? "" : ": \(Errno(errno).description)"
        let remedy =
            switch code {
            case .notPermitted("CAP_SYS_ADMIN"):
                "; entering a network namespace needs CAP_SYS_ADMIN: run the unit tunnel-probe@NS, "
                    + "which systemd starts inside it (NetworkNamespacePath=)"
            case .notPermitted(let capability):
                "; needs \(capability): run as root, or add it to the unit's AmbientCapabilities="
            case .noSuchDevice: "; `ip link` lists the devices there are"
            case .noSuchNamespace: "; `ip netns` lists the namespaces there are"
            case .familyUnsupported: "; the kernel has no such address family"
            case .tooManyOpenFiles: "; raise LimitNOFILE= of the unit"
            case .other: ""
            }
        return "\(object): \(operation)\(reason)\(remedy)"
    }
}
