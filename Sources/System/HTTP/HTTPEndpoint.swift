/// Where a server listens.
public enum HTTPEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// A TCP port on an address or name; port 0 lets the kernel choose, "::" is every address.
    case tcp(host: String, port: Int)

    /// A socket in the file system with permission bits `mode` and, if given, the named group.
    case unix(path: String, mode: UInt16 = 0o660, group: String? = nil)

    /// "127.0.0.1:9817", "[::1]:9817" or the socket's path.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path, _, _): path
        }
    }
}
