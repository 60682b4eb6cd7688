/// What an examination inside the agent sends to the command that asked for it, piece by piece.
///
/// Lines of progress, then the verdict, an empty line, and the report as it is to be printed:
///
/// ```
/// progress 0.42 probing cf-1
/// verdict down
///
/// cf-1  DOWN …
/// ```
///
/// The agent renders, because only it has the values; the command prints, because only it has the
/// terminal.
public enum ExaminationStream {
    /// One message.
    public enum Message: Equatable, Sendable {
        /// How far it has come: the share, 0...1, and what is going on.
        case progress(share: Double, text: String)
        /// It could not be made, and why.
        case refused(String)
        /// The verdict; the report follows.
        case verdict(String)
        /// A piece of the report.
        case report([UInt8])
    }

    /// The message as it goes over the wire; a report's pieces go as they are.
    public static func encode(_ message: Message) -> [UInt8] {
        switch message {
        case .progress(let share, let text): Array("progress \(share) \(oneLine(text))\n".utf8)
        case .refused(let reason): Array("refused \(oneLine(reason))\n".utf8)
        case .verdict(let verdict): Array("verdict \(oneLine(verdict))\n\n".utf8)
        case .report(let bytes): bytes
        }
    }

    private static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }

    /// Takes the stream apart again, whatever pieces it arrives in.
    public struct Parser: Sendable {
        private var pending: [UInt8] = []
        private var isReport = false

        /// Starts before the first piece.
        public init() {}

        /// The messages that `bytes` complete; lines that it does not know are passed over, so that
        /// a newer agent can say more.
        public mutating func take(_ bytes: [UInt8]) -> [Message] {
            guard !isReport else { return bytes.isEmpty ? [] : [.report(bytes)] }
            pending += bytes
            var messages: [Message] = []
            while !isReport, let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeSubrange(...end)
                if line.isEmpty {
                    isReport = true
                } else if let message = Self.message(line) {
                    messages.append(message)
                }
            }
            if isReport, !pending.isEmpty {
                messages.append(.report(pending))
                pending = []
            }
            return messages
        }

        private static func message(_ line: String) -> Message? {
            let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2 else { return nil }
            let rest = String(words[1])
            switch words[0] {
            case "verdict": return .verdict(rest)
            case "refused": return .refused(rest)
            case "progress":
                let parts = rest.split(separator: " ", maxSplits: 1)
                guard let share = parts.first.flatMap({ Double($0) }) else { return nil }
                return .progress(share: share, text: parts.count > 1 ? String(parts[1]) : "")
            default: return nil
            }
        }
    }
}
