import CNetlink
import Glibc

/// Why the kernel did not answer a netlink request, with what would make it answer.
public struct NetlinkError: Error, Equatable, Sendable {
    /// The kind of failure.
    public enum Code: Hashable, Sendable {
        /// There is no network namespace of that name.
        case namespaceNotFound
        /// A capability is missing.
        case permissionDenied
        /// This kernel does not have that part of netlink.
        case notSupported
        /// The kernel's tables changed during every attempt to read them.
        case interrupted
        /// Answers were lost for lack of socket memory, at every attempt.
        case overrun
        /// The kernel sent nothing for too long.
        case timedOut
        /// The source address of a route lookup is not an address of this host.
        case sourceNotLocal
        /// The kernel's answer is not what the request asks for.
        case malformedAnswer
        /// Anything else; `errno` says what.
        case failed
    }

    /// The kind of failure.
    public let code: Code
    /// The kernel's error number, 0 when it reported none.
    public let errno: Int32
    /// What was tried, like `list security associations`.
    public let operation: String
    /// What it was tried on, like `namespace blue`.
    public let object: String

    /// Makes an error.
    public init(_ code: Code, errno: Int32 = 0, operation: String, object: String) {
        self.code = code
        self.errno = errno
        self.operation = operation
        self.object = object
    }

    /// Makes an error whose code follows from the kernel's error number.
    init(errno: Int32, operation: String, object: String) {
        let code: Code =
            switch errno {
            case EPERM, EACCES: .permissionDenied
            case EPROTONOSUPPORT, EAFNOSUPPORT, EOPNOTSUPP: .notSupported
            case ENOBUFS, ENOMEM: .overrun
            case EAGAIN: .timedOut
            default: .failed
            }
        self.init(code, errno: errno, operation: operation, object: object)
    }
}

extension NetlinkError: CustomStringConvertible {
    /// One sentence: what failed, on what, why, and the fix where there is one.
    public var description: String {
        let what = "cannot \(operation) in \(object)"
        return fix.isEmpty ? "\(what): \(cause)" : "\(what): \(cause); \(fix)"
    }

    private var cause: String {
        switch code {
        case .namespaceNotFound: "no such network namespace"
        case .interrupted: "the kernel's tables kept changing"
        case .overrun: "answers were lost for lack of socket memory"
        case .timedOut: "the kernel did not answer"
        case .sourceNotLocal: "the source is not an address of this host"
        case .malformedAnswer: "the answer has an unknown form"
        case .permissionDenied, .notSupported, .failed: Self.text(of: errno)
        }
    }

    private var fix: String {
        switch code {
        case .namespaceNotFound:
            "`ip netns list` shows those there are"
        case .permissionDenied where operation == KernelReader.entering:
            "this needs CAP_SYS_ADMIN: run as root, or start the agent in the namespace "
                + "(NetworkNamespacePath= in its unit)"
        case .permissionDenied:
            "this needs CAP_NET_ADMIN: run as root, or "
                + "`setcap cap_net_admin,cap_net_raw+ep` on the program"
        case .notSupported where operation == NetlinkSocket.opening(NETLINK_XFRM):
            "this kernel may lack the module: `modprobe xfrm_user`"
        case .notSupported:
            "this kernel lacks it or has it switched off"
        case .interrupted, .overrun, .timedOut:
            "it is tried again at the next reading"
        case .sourceNotLocal:
            "`ip address show` lists those of this host"
        case .malformedAnswer, .failed:
            ""
        }
    }

    private static func text(of errno: Int32) -> String {
        guard let text = unsafe strerror(errno) else { return "errno \(errno)" }
        return unsafe String(cString: text)
    }
}
