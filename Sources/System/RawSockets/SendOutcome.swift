import Glibc
public import NetworkPrimitives

/// What became of a send call.
public enum SendOutcome: Hashable, Sendable {
    /// The kernel took the message. Its transmit stamp comes later, under `ticket`. `at` is the
    /// clock right before the call.
    case sent(ticket: UInt32, at: MonotonicInstant)
    /// The kernel refused the message.
    case failed(SendFailure)
}

/// Why the kernel refused a message.
public struct SendFailure: Error, Hashable, Sendable {
    /// What the refusal means for whoever sends.
    public enum Kind: Hashable, Sendable, CaseIterable {
        /// EPERM, EACCES: a local firewall rule, or a missing privilege.
        case denied
        /// ENODEV, ENXIO, ENETDOWN, or any errno when the bound device no longer exists. A device of the same name
        /// that comes back is another device: the socket has to be opened again.
        case noDevice
        /// ENETUNREACH, EHOSTUNREACH: this host has no route.
        case noRoute
        /// EADDRNOTAVAIL, EINVAL with a source address given, or ENETUNREACH with an IPv4 source
        /// that is on no device: that address is not on this host.
        case sourceUnavailable
        /// EMSGSIZE: the packet is longer than an IP packet can be, or may not be cut up and is
        /// longer than the device or a tunnel of this host takes.
        case tooBig
        /// ENOBUFS, EAGAIN: the send buffer or the device's queue is full.
        case buffersFull
        /// Anything else; `errno` says what.
        case other
    }

    /// What the refusal means.
    public let kind: Kind
    /// The errno(3) number.
    public let errno: Int32
    /// The longest IP packet that would have left, in octets, where the kernel names it for a
    /// `tooBig` message that may not be cut up.
    public let limit: Int?

    /// Makes a failure of a known kind.
    public init(kind: Kind, errno: Int32, limit: Int? = nil) {
        self.kind = kind
        self.errno = errno
        self.limit = limit
    }

    /// Makes a failure from an errno(3) number alone.
    ///
    /// `hasSource` tells whether a source address was given.
    init(errno: Int32, hasSource: Bool) {
        self.errno = errno
        limit = nil
        kind =
            switch errno {
            case EPERM, EACCES: .denied
            case ENODEV, ENXIO, ENETDOWN: .noDevice
            case ENETUNREACH, EHOSTUNREACH: .noRoute
            case EADDRNOTAVAIL: .sourceUnavailable
            case EINVAL where hasSource: .sourceUnavailable
            case EMSGSIZE: .tooBig
            case ENOBUFS, EAGAIN: .buffersFull
            default: .other
            }
    }
}

extension SendFailure: CustomStringConvertible {
    /// The refusal in words, with the errno.
    public var description: String {
        let meaning =
            switch kind {
            case .denied: "refused by the local firewall, or for lack of privilege"
            case .noDevice: "the device is gone or down"
            case .noRoute: "no route"
            case .sourceUnavailable: "the source address is not on this host"
            case .tooBig: "the message is too big"
            case .buffersFull: "the send buffer or the device's queue is full"
            case .other: "the kernel refused the message"
            }
        return "\(meaning): \(Errno(errno).description)"
    }
}
