internal import CLinux
internal import Glibc

/// What a person may be looking at: a standard stream of this process.
public struct Terminal: Hashable, Sendable {
    /// Whether the stream is a terminal and not a file or a pipe.
    public let isTerminal: Bool
    /// The width in columns; nil where the stream is no terminal or the terminal does not know.
    public let columns: Int?
    /// Whether colour is welcome: a terminal that is not dumb, and no `NO_COLOR`.
    public let allowsColor: Bool

    /// Standard output as it is now.
    public static var standardOutput: Terminal { Terminal(descriptor: STDOUT_FILENO) }

    /// Standard error as it is now.
    public static var standardError: Terminal { Terminal(descriptor: STDERR_FILENO) }

    /// Whether the locale's character set is UTF-8, so that text beyond ASCII can be shown.
    public static var showsUnicode: Bool { showsUnicode(environment: environmentVariable) }

    /// The same for an environment: locale(7), the first of the three that is set and not empty.
    static func showsUnicode(environment: (String) -> String?) -> Bool {
        for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
            guard let value = environment(name), !value.isEmpty else { continue }
            let set = value.lowercased()
            return set.contains("utf-8") || set.contains("utf8")
        }
        return false
    }

    /// Looks at a descriptor.
    ///
    /// - Parameters:
    ///   - descriptor: an open descriptor; a closed one is no terminal.
    ///   - environment: where `NO_COLOR` and `TERM` are looked up; this process's by default.
    init(descriptor: Int32, environment: (String) -> String? = environmentVariable) {
        isTerminal = isatty(descriptor) == 1
        guard isTerminal else {
            columns = nil
            allowsColor = false
            return
        }
        var size = winsize()
        let known = unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0
        columns = known && size.ws_col > 0 ? Int(size.ws_col) : nil
        // https://no-color.org: present and not an empty string, regardless of its value.
        let isUnwanted = environment("NO_COLOR")?.isEmpty == false
        allowsColor = !isUnwanted && environment("TERM") != "dumb"
    }
}

/// The value of an environment variable; nil when it is not set.
func environmentVariable(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
}
