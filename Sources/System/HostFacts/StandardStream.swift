internal import Glibc

/// Standard output or standard error, written to without buffering.
public enum StandardStream: Sendable {
    /// What a command was asked for.
    case output
    /// Progress, logs and complaints.
    case error

    /// Writes all of `bytes`, waiting where the reader is slow.
    ///
    /// - Returns: false when nobody reads any more (a closed pipe, a full disk); the rest is lost.
    @discardableResult
    public func write(_ bytes: [UInt8]) -> Bool {
        let descriptor = self == .output ? STDOUT_FILENO : STDERR_FILENO
        var start = 0
        while start < bytes.count {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(
                    descriptor, buffer.baseAddress.map { unsafe $0 + start }, buffer.count - start)
            }
            if written < 0, errno == EINTR || errno == EAGAIN { continue }
            guard written > 0 else { return false }
            start += written
        }
        return true
    }

    /// Whether journald reads this stream.
    ///
    /// systemd.exec(5): `JOURNAL_STREAM` holds device and inode of the journal's socket; another
    /// program may have redirected the stream since.
    public var isJournal: Bool {
        guard let value = unsafe getenv("JOURNAL_STREAM") else { return false }
        var status = stat()
        let descriptor = self == .output ? STDOUT_FILENO : STDERR_FILENO
        guard unsafe fstat(descriptor, &status) == 0 else { return false }
        return unsafe String(cString: value) == "\(status.st_dev):\(status.st_ino)"
    }

    /// Writes `text` as UTF-8.
    @discardableResult
    public func write(_ text: String) -> Bool { write(Array(text.utf8)) }
}
