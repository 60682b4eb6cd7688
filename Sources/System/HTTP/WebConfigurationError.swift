/// A mistake in a web configuration file, or in a file that it names.
public struct WebConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The web configuration file.
    public let path: String

    /// The line in it, from 1; nil when the file as a whole is at fault.
    public let line: Int?

    /// The column in bytes, from 1; nil when `line` is.
    public let column: Int?

    /// What is wrong, and what is allowed.
    public let reason: String

    /// "web.yml:3:5: unknown key 'cert'; …".
    public var description: String {
        switch (line, column) {
        case (let line?, let column?): "\(path):\(line):\(column): \(reason)"
        case (let line?, nil): "\(path):\(line): \(reason)"
        case (nil, _): "\(path): \(reason)"
        }
    }
}
