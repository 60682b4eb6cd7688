internal import CLinux

/// A privilege of a process, apart from being root (capabilities(7)).
public enum Capability: Hashable, CaseIterable, Sendable {
    /// Raw and packet sockets, and binding to a device.
    case netRaw
    /// Reading SAs and policies with their keys, marks, and the buffers of netlink sockets.
    case netAdmin
    /// Entering another network namespace.
    case sysAdmin

    /// The name in the form of capabilities(7), like `CAP_NET_RAW`.
    public var name: String {
        switch self {
        case .netRaw: "CAP_NET_RAW"
        case .netAdmin: "CAP_NET_ADMIN"
        case .sysAdmin: "CAP_SYS_ADMIN"
        }
    }

    /// The number of the capability's bit in a set.
    var bit: Int32 {
        switch self {
        case .netRaw: CAP_NET_RAW
        case .netAdmin: CAP_NET_ADMIN
        case .sysAdmin: CAP_SYS_ADMIN
        }
    }
}

/// The capability sets of a thread of this process.
public struct Capabilities: Hashable, Sendable {
    /// What the kernel checks now, one bit a capability.
    public let effective: UInt64
    /// What may be made effective, one bit a capability.
    public let permitted: UInt64

    /// Makes sets from their bits.
    public init(effective: UInt64, permitted: UInt64) {
        self.effective = effective
        self.permitted = permitted
    }

    /// Whether a capability is effective.
    public func has(_ capability: Capability) -> Bool {
        effective >> UInt64(capability.bit) & 1 == 1
    }

    /// Reads the sets of the calling thread.
    ///
    /// - Returns: the sets that the kernel checks this thread's calls against; new threads inherit
    ///   them.
    /// - Throws: `FileError` where /proc is not there or not as proc_pid_status(5) has it.
    public static func current() throws(FileError) -> Capabilities {
        // Not /proc/self, which is the main thread: in a program with an asynchronous main that one
        // sits in pthread_exit(3), where setuid(2) of Glibc no longer reaches it.
        let path = "/proc/thread-self/status"
        let text = String(decoding: try SmallFile.read(path, limit: 1 << 20), as: UTF8.self)
        return try Capabilities(status: text, path: path)
    }

    /// Finds the sets in the text of /proc/PID/status.
    init(status: String, path: String) throws(FileError) {
        func set(_ name: String) throws(FileError) -> UInt64 {
            guard
                let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name + ":") }),
                let digits = line.split(whereSeparator: { $0 == "\t" || $0 == " " }).dropFirst()
                    .first,
                let bits = UInt64(digits, radix: 16)
            else {
                throw FileError(
                    operation: "read", path: path,
                    reason: .unexpectedContents("no line \"\(name):\" with a number"))
            }
            return bits
        }
        self.init(effective: try set("CapEff"), permitted: try set("CapPrm"))
    }
}
