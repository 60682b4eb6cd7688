import Glibc

extension NetworkNamespace {
    /// What tells a namespace from another one that has taken over its name.
    public struct Identity: Hashable, Sendable {
        /// The device of the namespace's inode (namespaces(7): with the inode it is unique).
        public let device: UInt64
        /// The inode number.
        public let inode: UInt64
    }

    /// The identity of the namespace that has a name of `/run/netns` now; nil if none has.
    public static func identity(of name: String) -> Identity? {
        var status = stat()
        guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")), !name.utf8.contains(0),
            unsafe stat("/run/netns/\(name)", &status) == 0
        else { return nil }
        return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }
}
