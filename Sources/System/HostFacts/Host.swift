internal import Glibc

/// The host this process runs on.
public enum Host {
    /// The host's name, as gethostname(2) gives it; nil where the kernel refuses.
    public static var name: String? {
        // HOST_NAME_MAX is 64; one octet more keeps the NUL.
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
        let octets = buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        return String(decoding: octets, as: UTF8.self)
    }

    /// Whether the effective user of this process is root.
    public static var isRoot: Bool { geteuid() == 0 }
}
