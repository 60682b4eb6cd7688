public import NetworkPrimitives

/// One message of a key daemon, with what is known of whom it is about.
public struct KeyDaemonMessage: Equatable, Sendable {
    /// The name of the connection; nil when the daemon does not say.
    public var connection: String?
    /// The peer; nil when the daemon does not say.
    public var peer: IPAddress?
    /// What it says of a negotiation.
    public var statement: KeyDaemonStatement
    /// The message as the daemon wrote it, shortened.
    public var text: String

    /// Makes a message.
    public init(
        connection: String?, peer: IPAddress?, statement: KeyDaemonStatement, text: String
    ) {
        self.connection = connection
        self.peer = peer
        self.statement = statement
        self.text = String(text.prefix(200))
    }
}

/// Reads a key daemon's log, line by line: that of strongSwan's charon or of libreswan's pluto.
///
/// A line of charon names no peer, but a thread, which was last seen to exchange packets with one; a
/// line of pluto names a connection, which an earlier line tied to a peer.
public struct KeyDaemonLog: Sendable {
    private static let contextLimit = 256

    private struct Context {
        var connection: String?
        var peer: IPAddress?
    }

    /// By charon's thread or pluto's connection.
    private var contexts: [String: Context] = [:]

    /// Makes a reader that knows no context.
    public init() {}

    /// Takes one line; nil when it says nothing of a negotiation.
    public mutating func take(_ line: String) -> KeyDaemonMessage? {
        guard let (key, connection, message) = Self.parts(of: line) else { return nil }
        if contexts[key] == nil, contexts.count >= Self.contextLimit { contexts = [:] }
        if let connection { contexts[key, default: Context()].connection = connection }
        note(message, key)
        guard let statement = KeyDaemonStatement(message) else { return nil }
        let context = contexts[key]
        return KeyDaemonMessage(
            connection: connection ?? context?.connection, peer: context?.peer,
            statement: statement, text: String(message))
    }

    /// Remembers whom a thread or a connection deals with.
    private mutating func note(_ message: Substring, _ key: String) {
        if message.hasPrefix("sending packet: from ") || message.hasPrefix("received packet: from ")
        {
            let words = message.split(separator: " ")
            guard words.count >= 6 else { return }
            // "sending packet: from HERE to THERE", "received packet: from THERE to HERE".
            let there = Self.address(words[words[0] == "sending" ? 5 : 3])
            if there != contexts[key]?.peer {
                contexts[key] = Context(connection: nil, peer: there)
            }
        } else if message.hasPrefix("initiating ") {
            // "initiating IKE_SA lab[1] to THERE"
            let words = message.split(separator: " ")
            guard words.count >= 5, words[3] == "to" else { return }
            contexts[key] = Context(
                connection: String(words[2].prefix { $0 != "[" }), peer: Self.address(words[4]))
        } else if let place = message.end(of: " request to ")
            ?? message.end(of: " response from ")
        {
            // pluto: "sent IKE_SA_INIT request to THERE:UDP/500"
            let peer = Self.address(message[place...])
            if let peer { contexts[key, default: Context()].peer = peer }
        }
    }

    /// The address at a text's beginning, before a port in either notation.
    private static func address(_ text: Substring) -> IPAddress? {
        let text = text.prefix { $0 != " " && $0 != "[" }
        if let address = IPAddress(String(text)) { return address }
        guard let end = text.end(of: ":UDP/") ?? text.end(of: ":TCP/") else {
            return nil
        }
        return IPAddress(String(text[..<text.index(end, offsetBy: -5)]))
    }

    /// What a line is about and its message: `07[IKE] <lab|1> …` of charon, `"lab" #1: …` of pluto.
    private static func parts(
        of line: String
    ) -> (key: String, connection: String?, message: Substring)? {
        if let quote = line.firstIndex(of: "\""),
            let end = line[line.index(after: quote)...].firstIndex(of: "\""),
            let colon = line[end...].end(of: ": ")
        {
            let name = line[line.index(after: quote)..<end]
            let number = line[line.index(after: end)..<colon]
            // `"lab" #1: `, `"lab"[2] 198.51.100.1 #1: `, `"lab": `
            if number.utf8.count <= 80, number.contains("#") || number == ": " {
                return ("\"\(name)", String(name), line[colon...])
            }
        }
        guard let thread = Self.thread(in: line) else { return nil }
        var message = line[thread.end...]
        var connection: String?
        if message.hasPrefix("<"), let end = message.end(of: "> ") {
            connection = String(message.dropFirst().prefix { $0 != "|" && $0 != ">" })
            message = message[end...]
        }
        return (thread.name, connection, message)
    }

    /// charon's thread and where the message begins: behind `07[IKE] `, wherever that stands.
    private static func thread(in line: String) -> (name: String, end: String.Index)? {
        var search = line[...]
        while let open = search.firstIndex(of: "[") {
            let rest = line[line.index(after: open)...]
            let group = rest.prefix(4)
            let digits = line[..<open].suffix(2)
            if group.count == 4, group.last == "]", group.dropLast().allSatisfy(\.isUppercase),
                digits.count == 2, digits.allSatisfy(\.isNumber)
            {
                let message = rest.dropFirst(4)
                return (
                    String(digits),
                    message.first == " " ? message.dropFirst().startIndex : message.startIndex
                )
            }
            search = rest
        }
        return nil
    }
}

extension StringProtocol {
    /// The index behind the first place where a text stands.
    fileprivate func end(of wanted: String) -> Index? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(wanted) { return index(start, offsetBy: wanted.count) }
            start = index(after: start)
        }
        return nil
    }
}
