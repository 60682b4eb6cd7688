/// Why a key daemon cannot be asked.
public enum KeyDaemonError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The socket or log cannot be opened: what, and why.
    case unavailable(String)

    /// What and why, for people.
    public var description: String {
        switch self {
        case .unavailable(let reason): reason
        }
    }
}
