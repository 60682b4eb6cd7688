internal import Glibc

/// Why a request got no complete answer.
public enum HTTPClientError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no such socket: the agent is not running.
    case noSocket(path: String)
    /// Nobody listens: a Unix socket's process has died, or a TCP port is closed.
    case refused(HTTPClient.Server)
    /// This user may not use the socket.
    case permissionDenied(path: String)
    /// The server could not be reached for another reason; `reason` is the system's text.
    case unreachable(HTTPClient.Server, reason: String)
    /// Connecting, or the wait for the response's head, took longer than allowed.
    case timedOut(HTTPClient.Server, after: Duration)
    /// The connection ended before the response did.
    case cutShort(HTTPClient.Server)
    /// What came back is not HTTP.
    case malformedResponse(HTTPClient.Server)
    /// The body is larger than the caller wants.
    case bodyTooLarge(limit: Int)
    /// The calling task was cancelled.
    case cancelled

    /// What is wrong and what would be right.
    public var description: String {
        switch self {
        case .noSocket(let path):
            "\(path): no such socket: the agent is not running (systemctl start tunnel-probe)"
        case .refused(let server):
            "\(server): nobody listens there: the agent has stopped (systemctl restart tunnel-probe)"
        case .permissionDenied(let path):
            "\(path): permission denied: only root and members of its group may use it "
                + "(adduser USER tunnel-probe, then log in again)"
        case .unreachable(let server, let reason): "\(server): \(reason)"
        case .timedOut(let server, let time): "\(server): no answer within \(time)"
        case .cutShort(let server): "\(server): the connection ended in the middle of the answer"
        case .malformedResponse(let server): "\(server): the answer is not HTTP"
        case .bodyTooLarge(let limit): "the answer is larger than \(limit) bytes"
        case .cancelled: "cancelled"
        }
    }

    /// The case that fits the errno of a failed connect.
    static func connecting(to server: HTTPClient.Server, errno code: Int32) -> HTTPClientError {
        switch (server, code) {
        case (.unix(let path), ENOENT): .noSocket(path: path)
        case (.unix(let path), EACCES), (.unix(let path), EPERM): .permissionDenied(path: path)
        // A file of another kind refuses too (unix(7)).
        case (_, ECONNREFUSED): .refused(server)
        default: .unreachable(server, reason: errnoText(code))
        }
    }
}
