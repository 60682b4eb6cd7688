import CLinux

/// A capture file that could not be opened or read: what was tried, on which path, and why it failed.
public struct CaptureFileError: Error, Hashable, Sendable {
    /// What was tried: `open` or `read`.
    public let operation: String
    /// The path as the caller gave it; `-` for standard input.
    public let path: String
    /// The errno(3) value.
    public let code: Int32

    /// Makes an error.
    public init(operation: String, path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }
}

extension CaptureFileError: CustomStringConvertible {
    /// Like `cannot open x.pcap: ENOENT (No such file or directory)`.
    public var description: String {
        let name = path == CaptureFile.standardInput ? "standard input" : path
        guard let symbol = unsafe clinux_errno_name(code),
            let text = unsafe clinux_errno_text(code)
        else { return "cannot \(operation) \(name): errno \(code)" }
        return
            "cannot \(operation) \(name): "
            + (unsafe "\(String(cString: symbol)) (\(String(cString: text)))")
    }
}
