// HTTP: a small HTTP/1.1 server and client over SwiftNIO, for TCP and for Unix sockets. The server
// answers scrapes, people and the `probe` command; it must never be harmed by one of them.

/// What a request asks to be done.
public enum HTTPMethod: Hashable, Sendable, CustomStringConvertible {
    /// RFC 9110 §9.3.1.
    case get
    /// RFC 9110 §9.3.2.
    case head
    /// RFC 9110 §9.3.3.
    case post
    /// Any other method, in the letters it was sent in.
    case other(String)

    /// Makes a method from its name, which is case-sensitive (RFC 9110 §9.1).
    public init(_ name: String) {
        switch name {
        case "GET": self = .get
        case "HEAD": self = .head
        case "POST": self = .post
        default: self = .other(name)
        }
    }

    /// The name on the wire.
    public var description: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .other(let name): name
        }
    }
}

/// Header fields in the order they came, looked up without regard to case.
public struct HTTPFields: Sendable {
    /// Names and values in order; a name may occur more than once.
    public let all: [(name: String, value: String)]

    /// Makes fields from pairs.
    public init(_ all: [(name: String, value: String)] = []) {
        self.all = all
    }

    /// The value of the first field of that name; nil when there is none.
    public subscript(name: String) -> String? {
        let wanted = name.lowercased()
        return all.first { $0.name.lowercased() == wanted }?.value
    }
}

/// Who is at the other end of a connection.
public enum HTTPPeer: Hashable, Sendable {
    /// A TCP client, by address and port: "127.0.0.1:40112", "[::1]:40112".
    case network(String)
    /// A process on this host, as the kernel saw it when it connected (SO_PEERCRED, unix(7)).
    case process(pid: Int32, uid: UInt32, gid: UInt32)
    /// The client was gone, or the kernel would not say.
    case unknown
}

/// A complete request.
public struct HTTPRequest: Sendable {
    /// What is to be done.
    public var method: HTTPMethod

    /// The path, percent-decoded, without the query; begins with "/" (or is "*" for `OPTIONS *`).
    public var path: String

    /// The query's parameters, decoded; of a name that occurs twice, the first.
    public var query: [String: String]

    /// The header fields.
    public var headers: HTTPFields

    /// The body, empty when there is none; never more than `HTTPLimits.bodyByteCount`.
    public var body: [UInt8]

    /// Who asks.
    public var peer: HTTPPeer

    /// Makes a request, as the server does and as tests of handlers do.
    public init(
        method: HTTPMethod, path: String, query: [String: String] = [:],
        headers: HTTPFields = HTTPFields(), body: [UInt8] = [], peer: HTTPPeer = .unknown
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.peer = peer
    }
}
