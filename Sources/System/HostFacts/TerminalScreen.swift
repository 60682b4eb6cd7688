internal import CLinux
internal import Glibc

/// The terminal as a screen of its own: no echo, no scrolling, keys one by one.
///
/// What was on the terminal before comes back when the value is closed.
public final class TerminalScreen {
    private let former: termios
    private var isOpen = true

    /// Takes over the terminal; nil where standard input or output is none.
    public init?() {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else { return nil }
        var settings = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        former = settings
        // Control-C comes as a key, so that whoever reads keys can restore the terminal.
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        guard unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings) == 0 else { return nil }
        // xterm's alternate screen, without a cursor.
        StandardStream.output.write("\u{1b}[?1049h\u{1b}[?25l")
    }

    /// Gives the terminal back; more than once does no harm.
    public func close() {
        guard isOpen else { return }
        isOpen = false
        StandardStream.output.write("\u{1b}[?25h\u{1b}[?1049l")
        var settings = former
        _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    deinit { close() }

    /// Columns and rows now; 80 and 24 where the terminal does not say.
    public var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0,
            size.ws_row > 0
        else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Draws lines from the top, in one write so that nothing flickers.
    public func draw(_ lines: [String]) {
        let text = lines.map { $0 + "\u{1b}[K" }.joined(separator: "\r\n")
        StandardStream.output.write("\u{1b}[H\(text)\u{1b}[J")
    }

    /// The keys that were pressed since the last call; never waits.
    ///
    /// - Returns: octets; nil when the terminal has gone.
    public func keys() -> [UInt8]? {
        var poll = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard unsafe Glibc.poll(&poll, 1, 0) > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe read(STDIN_FILENO, bytes.baseAddress, bytes.count)
        }
        guard count > 0 else { return nil }
        return Array(buffer.prefix(count))
    }
}
