public import NetworkPrimitives

/// A record that is worth showing.
public struct ProviderLogEvent: Equatable, Sendable {
    /// The record, its text cut to `textLimit` octets.
    public var record: ProviderLogRecord
    /// What its text is about.
    public var meaning: ProviderLogMessage

    /// How many octets of a text are kept.
    public static let textLimit = 512
}

/// What a log says of one pair of addresses.
public struct ProviderLogPeer: Equatable, Sendable {
    /// `LocalIP`.
    public var local: IPAddress?
    /// `RemoteIP`.
    public var remote: IPAddress?
    /// Its records.
    public var records: UInt64 = 0
    /// The earliest time.
    public var first: WallTime?
    /// The latest time.
    public var last: WallTime?
    /// Records by what their texts are about.
    public var kinds: [ProviderLogMessage.Kind: UInt64] = [:]
    /// Records by the failure they prove.
    public var failures: [IKEFailure: UInt64] = [:]
    /// The failure that nothing after it makes good; nil without one.
    public var failure: IKEFailure?
    /// What `failure` rests on, its text cut.
    public var failureEvent: ProviderLogEvent?
    /// When the latest failure or success was; nil without one or its time.
    fileprivate var decidedAt: WallTime?
    /// Cipher suites, the first `suiteLimit` of them.
    public var cipherSuites: [String] = []

    /// How many cipher suites are kept.
    public static let suiteLimit = 8

    fileprivate init(local: IPAddress?, remote: IPAddress?) {
        self.local = local
        self.remote = remote
    }

    fileprivate mutating func receive(_ event: ProviderLogEvent) {
        let record = event.record
        records += 1
        if let time = record.time {
            first = first.map { min($0, time) } ?? time
            last = last.map { max($0, time) } ?? time
        }
        kinds[event.meaning.kind, default: 0] += 1
        if let suite = event.meaning.cipherSuite, event.meaning.kind != .failure,
            cipherSuites.count < Self.suiteLimit, !cipherSuites.contains(suite)
        {
            cipherSuites.append(suite)
        }
        let found = event.meaning.failure
        if let found { failures[found, default: 0] += 1 }
        guard found != nil || event.meaning.kind == .established else { return }
        // The records of a batch are in no order that is promised.
        if let time = record.time, let decidedAt, time < decidedAt { return }
        decidedAt = record.time ?? decidedAt
        // A negotiation that fails draws a complaint and a notify: the complaint tells more.
        if found == .authentication, failure == .identity, isSameNegotiation(record) { return }
        failure = found
        failureEvent = found == nil ? nil : event
    }

    private func isSameNegotiation(_ record: ProviderLogRecord) -> Bool {
        guard let earlier = failureEvent?.record.time, let time = record.time else { return true }
        return time <= earlier + .seconds(2)
    }
}

/// What a log amounts to: counts, pairs of addresses, and the events worth showing.
///
/// Memory is bounded: of more pairs and events than are kept, the rest is counted.
public struct ProviderLogDigest: Equatable, Sendable {
    /// The most pairs of addresses that are told apart.
    public static let peerLimit = 1024
    /// Of each kind of event, how many of the first are kept.
    public static let firstEvents = 100
    /// Of each kind of event, how many of the last are kept.
    public static let lastEvents = 200

    /// The pairs, in the order they appeared.
    public private(set) var peers: [ProviderLogPeer] = []
    /// Records of pairs for which there was no room.
    public private(set) var recordsOfOtherPeers: UInt64 = 0
    /// Records by what their texts are about.
    public private(set) var kinds: [ProviderLogMessage.Kind: UInt64] = [:]
    /// Records by level, as the provider spells it; the first 16 spellings.
    public private(set) var levels: [(level: String, records: UInt64)] = []
    /// The earliest time.
    public private(set) var first: WallTime?
    /// The latest time.
    public private(set) var last: WallTime?

    private struct Pair: Hashable {
        var local: IPAddress?
        var remote: IPAddress?
    }

    private var numbers: [Pair: Int] = [:]
    private var kept: [ProviderLogMessage.Kind: KeptEvents] = [:]

    /// Makes the digest of nothing.
    public init() {}

    /// Takes in a record.
    public mutating func receive(_ record: ProviderLogRecord) {
        let meaning = ProviderLogMessage(record.message)
        var event = ProviderLogEvent(record: record, meaning: meaning)
        if record.message.utf8.count > ProviderLogEvent.textLimit {
            let kept = record.message.utf8.prefix(ProviderLogEvent.textLimit)
            event.record.message = String(decoding: kept, as: UTF8.self) + "..."
        }
        if let time = record.time {
            first = first.map { min($0, time) } ?? time
            last = last.map { max($0, time) } ?? time
        }
        kinds[meaning.kind, default: 0] += 1
        count(level: record.level)
        kept[meaning.kind, default: KeptEvents()].receive(event)
        let pair = Pair(local: record.local, remote: record.remote)
        if let number = numbers[pair] {
            peers[number].receive(event)
        } else if peers.count < Self.peerLimit {
            numbers[pair] = peers.count
            peers.append(ProviderLogPeer(local: record.local, remote: record.remote))
            peers[peers.count - 1].receive(event)
        } else {
            recordsOfOtherPeers += 1
        }
    }

    private mutating func count(level spelling: String) {
        let level = String(spelling.prefix(32))
        if let known = levels.firstIndex(where: { $0.level == level }) {
            levels[known].records += 1
        } else if levels.count < 16 {
            levels.append((level, 1))
        }
    }

    /// The events that are kept, by time; those without one come first.
    public var events: [ProviderLogEvent] {
        kept.values.flatMap(\.all).sorted {
            ($0.record.time?.nanoseconds ?? .min, $0.record.line)
                < ($1.record.time?.nanoseconds ?? .min, $1.record.line)
        }
    }

    /// How many events were left out.
    public var eventsLeftOut: UInt64 { kept.values.reduce(0) { $0 + $1.leftOut } }

    /// The failures of all pairs, summed.
    public var failures: [IKEFailure: UInt64] {
        peers.reduce(into: [:]) { sum, peer in
            sum.merge(peer.failures) { $0 + $1 }
        }
    }

    /// Whether a negotiation failed and nothing after it made it good.
    public var hasFailure: Bool { peers.contains { $0.failure != nil } }

    /// Compares everything.
    public static func == (left: Self, right: Self) -> Bool {
        left.peers == right.peers && left.recordsOfOtherPeers == right.recordsOfOtherPeers
            && left.kinds == right.kinds && left.levels.elementsEqual(right.levels, by: ==)
            && left.first == right.first && left.last == right.last && left.events == right.events
            && left.eventsLeftOut == right.eventsLeftOut
    }
}

/// The first and the last events of a kind.
private struct KeptEvents: Equatable, Sendable {
    private var head: [ProviderLogEvent] = []
    private var tail: [ProviderLogEvent] = []
    private var next = 0
    private(set) var leftOut: UInt64 = 0

    mutating func receive(_ event: ProviderLogEvent) {
        if head.count < ProviderLogDigest.firstEvents {
            head.append(event)
        } else if tail.count < ProviderLogDigest.lastEvents {
            tail.append(event)
        } else {
            tail[next] = event
            next = (next + 1) % tail.count
            leftOut += 1
        }
    }

    var all: [ProviderLogEvent] { head + tail }
}
