import HostFacts
import Synchronization

/// What a command prints.
enum Output {
    /// Prints what was asked for.
    static func print(_ bytes: [UInt8]) { StandardStream.output.write(bytes) }

    /// Prints what was asked for, and a newline.
    static func print(_ text: String) { StandardStream.output.write(text + "\n") }

    /// Prints a complaint, which begins with the program's name as every tool's does.
    static func complain(_ text: String) { StandardStream.error.write("probe: \(text)\n") }
}

/// One line on a terminal that shows how far the work has come, and leaves no trace.
final class ProgressLine: Sendable {
    private static let width = 24
    private let isShown = Terminal.standardError.isTerminal
    private let shownLength = Mutex(0)

    /// Shows the share that is done, 0...1, and what is going on.
    func show(_ share: Double, _ text: String) {
        guard isShown else { return }
        let done = Int(min(max(share, 0), 1) * Double(Self.width))
        let bar =
            String(repeating: "#", count: done) + String(repeating: ".", count: Self.width - done)
        let columns = Terminal.standardError.columns ?? 80
        let line = "[\(bar)] \(text)".prefix(max(columns - 1, 1))
        shownLength.withLock { shown in
            let padding = String(repeating: " ", count: max(0, shown - line.count))
            StandardStream.error.write("\r\(line)\(padding)")
            shown = line.count
        }
    }

    /// Wipes the line.
    func clear() {
        shownLength.withLock { shown in
            guard shown > 0 else { return }
            StandardStream.error.write("\r\(String(repeating: " ", count: shown))\r")
            shown = 0
        }
    }
}
