import Glibc

/// A file that could not be read: what was tried, on which path, and why it failed.
public struct FileError: Error, Hashable, Sendable {
    /// What was tried, like `open`.
    public let operation: String
    /// The path as the caller gave it.
    public let path: String
    /// Why it failed.
    public let reason: Reason

    /// Why a file could not be read.
    public enum Reason: Hashable, Sendable {
        /// The kernel refused with this errno(3) value.
        case system(Int32)
        /// It is not a regular file but, say, a directory or a pipe.
        case notRegular
        /// It holds more octets than the caller takes.
        case tooLarge(limit: Int)
        /// Its text is not in the form the kernel documents; the text is what is missing or wrong.
        case unexpectedContents(String)
    }

    /// Makes an error.
    public init(operation: String, path: String, reason: Reason) {
        self.operation = operation
        self.path = path
        self.reason = reason
    }
}

extension FileError: CustomStringConvertible {
    /// `open /etc/x: No such file or directory`.
    public var description: String { "\(operation) \(path): \(reason)" }
}

extension FileError.Reason: CustomStringConvertible {
    /// The reason in words.
    public var description: String {
        switch self {
        case .system(let code): errorText(code)
        case .notRegular: "not a regular file"
        case .tooLarge(let limit): "larger than \(limit) octets"
        case .unexpectedContents(let what): what
        }
    }
}

/// The words of an errno(3) value, like `No such file or directory`.
func errorText(_ code: Int32) -> String {
    // Thread-safe since Glibc 2.32: the text of an unknown number is kept per thread.
    unsafe String(cString: strerror(code))
}
