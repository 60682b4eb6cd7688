/// Why a key daemon cannot be asked.
public enum KeyDaemonError: Error, Equatable, Sendable {
    /// The socket or log cannot be opened: what, and why.
    case unavailable(String)
}
