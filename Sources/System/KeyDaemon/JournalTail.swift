import HostFacts
import NetworkPrimitives

/// What key daemons write to the system's journal, by journalctl(1).
///
/// A short call from time to time and not `--follow`: there is no child to look after between calls,
/// and the cursor survives a restart of the journal.
struct JournalTail {
    /// How charon and pluto name themselves: charon of ipsec and of charon-systemd, and libreswan's.
    private static let identifiers = ["charon", "charon-systemd", "ipsec", "pluto"]
    private static let programs = ["/usr/bin/journalctl", "/bin/journalctl"]
    /// The newest lines of one call.
    private static let lineLimit = 2000
    private static let outputLimit = 4 << 20
    private static let timeout = Duration.seconds(2)
    private static let cursorMark = "-- cursor: "

    private var cursor: String?
    private(set) var reason: String?

    mutating func poll() -> [LogFollower.Line] {
        var arguments = ["-q", "--no-pager", "-o", "short-unix", "--show-cursor"]
        arguments += ["-n", String(Self.lineLimit)]
        arguments += Self.identifiers.flatMap { ["-t", $0] }
        if let cursor { arguments.append("--after-cursor=\(cursor)") }
        let output: ChildProcess.Output
        do throws(ChildProcess.Failure) {
            output = try ChildProcess.run(
                Self.programs, arguments, timeout: Self.timeout, limit: Self.outputLimit)
        } catch {
            if case .notInstalled = error {
                reason = "there is no journalctl: set charon_log to the daemon's log file"
            } else {
                reason = "journalctl: \(error)"
            }
            return []
        }
        guard output.status == 0 else {
            let complaint = output.complaint.split(separator: "\n").first.map(String.init)
            reason =
                "journalctl: \(complaint ?? "it failed"); the agent's user has to be in the group "
                + "systemd-journal"
            // A journal that was vacuumed or made anew does not know the cursor.
            cursor = nil
            return []
        }
        reason = nil
        return take(String(decoding: output.octets, as: UTF8.self))
    }

    /// Takes apart what journalctl printed.
    mutating func take(_ text: String) -> [LogFollower.Line] {
        let isOld = cursor == nil
        var lines: [LogFollower.Line] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix(Self.cursorMark) {
                cursor = String(line.dropFirst(Self.cursorMark.count))
            } else if let line = Self.line(line, isOld: isOld) {
                lines.append(line)
            }
        }
        return lines
    }

    /// `1732310000.123456 host charon[123]: text`; nil for a continuation or a remark.
    private static func line(_ line: Substring, isOld: Bool) -> LogFollower.Line? {
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 3, let time = WallTime(unixText: words[0]) else { return nil }
        let rest = words[2]
        guard let colon = rest.firstIndex(of: ":") else { return nil }
        return LogFollower.Line(
            text: String(rest[rest.index(after: colon)...].drop { $0 == " " }), writtenAt: time,
            isOld: isOld)
    }
}

extension WallTime {
    /// Reads seconds and microseconds since 1970, as `1732310000.123456`.
    fileprivate init?(unixText: Substring) {
        let parts = unixText.split(separator: ".")
        guard parts.count == 2, let seconds = Int64(parts[0]), seconds >= 0,
            seconds < 1 << 33, parts[1].count == 6, let micros = Int64(parts[1]), micros >= 0
        else { return nil }
        self.init(nanoseconds: seconds * 1_000_000_000 + micros * 1000)
    }
}
