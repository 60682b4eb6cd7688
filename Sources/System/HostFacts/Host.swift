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

extension Host {
    /// The kernel with its release and version, like `Linux 6.1.0-44-amd64`; nil where uname(2) fails.
    public static var system: String? {
        names.map { "\($0.system) \($0.release)" }
    }

    /// The hardware's name, like `x86_64`; nil where uname(2) fails.
    public static var machine: String? { names?.machine }

    private static var names: (system: String, release: String, machine: String)? {
        var names = utsname()
        guard unsafe uname(&names) == 0 else { return nil }
        return (text(&names.sysname), text(&names.release), text(&names.machine))
    }

    private static func text<Field>(_ field: inout Field) -> String {
        unsafe withUnsafeBytes(of: &field) { octets in
            unsafe String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
