public import NetworkPrimitives
public import PacketFormats

/// What a stream is known by: what a receiver looks an SA up with.
public struct StreamID: Hashable, Sendable {
    /// The outer destination address.
    public var destination: IPAddress
    /// The SPI.
    public var spi: SPI
    /// What stands between the outer IP header and ESP.
    public var encapsulation: ESPEncapsulation

    /// Makes a stream's name.
    public init(destination: IPAddress, spi: SPI, encapsulation: ESPEncapsulation) {
        self.destination = destination
        self.spi = spi
        self.encapsulation = encapsulation
    }
}

/// Everything the analysis says about one ESP stream at one moment.
public struct StreamReport: Equatable, Sendable {
    /// Which stream.
    public var id: StreamID
    /// The outer source addresses seen, sorted by text, at most 16; an SA has one (algorithms §1).
    public var sources: [IPAddress]
    /// ESP packets seen, copies included, later fragments not.
    public var packets: UInt64
    /// Their octets on the wire, outer headers included.
    public var bytes: UInt64
    /// First fragments among `packets`.
    public var fragments: UInt64
    /// When the first packet arrived.
    public var firstArrival: MonotonicInstant
    /// When the latest packet arrived.
    public var lastArrival: MonotonicInstant
    /// Byte-identical copies.
    public var duplicates: DuplicateCounts
    /// Different packets with a sequence number that was seen before: proof of several senders.
    public var collisions: UInt64
    /// How many senders there are.
    public var senders: SenderCount
    /// Packets out of order.
    public var reordering: ReorderingReport
    /// Packets lost before this host, summed over senders; nil while not identifiable.
    public var lostPackets: UInt64?
    /// Sequence numbers skipped in jumps of more than 256, reported apart from the loss (§7).
    public var outagePackets: UInt64?
    /// `reordering.senderPackets` as a counter for metrics: never falls, and stands still while the
    /// senders are not identifiable.
    public var senderReorderedTotal: UInt64
    /// `lostPackets` as a counter for metrics: never falls, and stands still while the senders are
    /// not identifiable.
    public var lostTotal: UInt64
    /// Why `lostPackets` and the senders' reordering are not known; nil when they are.
    public var unidentifiableBecause: String?
    /// What each window size would drop, sorted by size.
    public var windows: [ReplayWindowForecast]
    /// The same by the length of packets, most frequent length class first, at most 8.
    public var lengthClasses: [LengthClassForecast]
    /// What each window would drop if every sender had a window of its own: what reordering alone
    /// costs, and what a tunnel with one sender would lose (§2.1); nil while not identifiable.
    public var windowsPerSender: [ReplayWindowForecast]?
    /// What there is to say about the stream as a whole.
    public var verdicts: [StreamVerdict]
    /// The senders with most packets first, at most 512.
    public var topSenders: [SenderReport]
    /// Whether the first packet seen began the SA: sequence numbers from 1 (§2.3).
    public var startsAtBirth: Bool

    /// Makes a report of a stream with nothing known but its packets.
    public init(
        id: StreamID, sources: [IPAddress], packets: UInt64, bytes: UInt64,
        firstArrival: MonotonicInstant, lastArrival: MonotonicInstant
    ) {
        self.id = id
        self.sources = sources
        self.packets = packets
        self.bytes = bytes
        fragments = 0
        self.firstArrival = firstArrival
        self.lastArrival = lastArrival
        duplicates = DuplicateCounts()
        collisions = 0
        senders = SenderCount()
        reordering = ReorderingReport()
        lostPackets = nil
        outagePackets = nil
        senderReorderedTotal = 0
        lostTotal = 0
        unidentifiableBecause = nil
        windows = []
        lengthClasses = []
        windowsPerSender = nil
        verdicts = []
        topSenders = []
        startsAtBirth = false
    }
}

/// Byte-identical copies of packets by what made them (algorithms §8).
public struct DuplicateCounts: Hashable, Sendable {
    /// Copies younger than 100 ms: the network made them.
    public var network: UInt64
    /// Copies younger than 100 ms where nearly every packet has one: the capture sees packets twice.
    public var capture: UInt64
    /// Copies older than a second: somebody sends them again.
    public var replay: UInt64
    /// Copies in between, blamed on nobody.
    public var undecided: UInt64

    /// Makes counts.
    public init(network: UInt64 = 0, capture: UInt64 = 0, replay: UInt64 = 0, undecided: UInt64 = 0)
    {
        self.network = network
        self.capture = capture
        self.replay = replay
        self.undecided = undecided
    }

    /// All copies.
    public var total: UInt64 { network + capture + replay + undecided }
}

/// How many senders a stream has: what is proven, what is likely.
public struct SenderCount: Equatable, Sendable {
    /// What told the senders apart.
    public enum Method: String, CaseIterable, Hashable, Sendable {
        /// The explicit IV names the sender (§4).
        case iv
        /// The sequence counters were followed (§6).
        case counters
    }

    /// The provable minimum, at least 1 (§5).
    public var atLeast: Int = 1
    /// The estimate over the report's span; nil with `reason`.
    public var estimate: Int?
    /// Senders active in the last 60 s; nil with `reason`.
    public var activeLastMinute: Int?
    /// The upper end of the range (Chao1); nil with `reason`.
    public var rangeHigh: Int?
    /// What told the senders apart; nil with `reason`.
    public var method: Method?
    /// The IV family in use; nil unless `method` is `.iv`.
    public var family: IVFamily?
    /// How sure each packet's sender is, 0...1; nil with `reason`.
    public var confidence: Double?
    /// Whether new senders still appear, so that the estimate will rise.
    public var isGrowing: Bool = false
    /// Why something above is nil; nil when nothing is.
    public var reason: String?

    /// Makes the count of a stream of which nothing is known but that it has packets.
    public init() {}
}

/// How an explicit IV names its sender (algorithms §4).
public enum IVFamily: String, CaseIterable, Hashable, Sendable {
    /// IV XOR sequence number is constant: Linux' seqiv.
    case xor
    /// IV minus sequence number is constant: a sender id before a counter, RFC 6054.
    case difference
    /// The first 32 bits are the sender's.
    case prefix32
    /// The first 24 bits are the sender's.
    case prefix24
    /// The first 16 bits are the sender's.
    case prefix16
}

/// Packets out of order, in the stream as a whole and for each sender.
public struct ReorderingReport: Equatable, Sendable {
    /// Packets below the stream's highest number, copies left out.
    public var outOfOrder: UInt64 = 0
    /// `outOfOrder` as a share of the packets without copies, 0...1: RFC 4737's ratio of the raw
    /// stream, which many senders make large without any reordering.
    public var streamRatio: Double?
    /// Packets reordered within their sender (RFC 4737 §3), coincidences subtracted; nil while not
    /// identifiable.
    public var senderPackets: UInt64?
    /// The same as a share, 0...1.
    public var senderRatio: Double?
    /// The largest extent of a reordered packet, in packets of its sender (RFC 4737 §4.2.1).
    public var maximumExtent: Int?
    /// The largest time by which a reordered packet was late (RFC 4737 §4.2.2).
    public var maximumLateness: Duration?

    /// Makes a report of a stream in order.
    public init() {}
}

/// What a replay window of one size does to a stream.
public struct ReplayWindowForecast: Hashable, Sendable {
    /// The window's size in packets.
    public var window: Int
    /// Packets older than the window reaches.
    public var tooOld: UInt64
    /// Packets whose number the window has already seen.
    public var alreadySeen: UInt64
    /// Packets with sequence number 0, which no window accepts (RFC 4303 §2.2).
    public var zero: UInt64
    /// All packets the stream has.
    public var packets: UInt64

    /// Makes a forecast.
    public init(window: Int, tooOld: UInt64, alreadySeen: UInt64, zero: UInt64, packets: UInt64) {
        self.window = window
        self.tooOld = tooOld
        self.alreadySeen = alreadySeen
        self.zero = zero
        self.packets = packets
    }

    /// Packets the window drops.
    public var wouldDrop: UInt64 { tooOld + alreadySeen + zero }

    /// The dropped share of all packets, 0...1; 0 of none.
    public var ratio: Double { packets == 0 ? 0 : Double(wouldDrop) / Double(packets) }
}

/// What windows do to packets of one range of lengths, the health checks among them.
public struct LengthClassForecast: Equatable, Sendable {
    /// The outer lengths of the class in octets.
    public var lengths: ClosedRange<Int>
    /// Its packets.
    public var packets: UInt64
    /// What each window drops of them, sorted by size.
    public var windows: [ReplayWindowForecast]

    /// Makes a class.
    public init(lengths: ClosedRange<Int>, packets: UInt64, windows: [ReplayWindowForecast]) {
        self.lengths = lengths
        self.packets = packets
        self.windows = windows
    }
}

/// One sentence about a stream, with what supports it (algorithms §8).
public struct StreamVerdict: Hashable, Sendable {
    /// What is said.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// Several senders share the SA.
        case multiSender = "multi_sender"
        /// The path reorders packets of single senders.
        case pathReordering = "path_reordering"
        /// Something looks like reordering, and cannot be told from senders that meet.
        case reorderingNotIdentifiable = "reordering_not_identifiable"
        /// The network duplicates packets.
        case networkDuplication = "network_duplication"
        /// The capture sees packets twice.
        case captureDuplication = "capture_duplication"
        /// Somebody sends old packets again.
        case replaySuspected = "replay_suspected"
        /// Nothing speaks against a single sender.
        case singleSender = "single_sender"
        /// None of the others.
        case clean = "clean"
    }

    /// How sure it is.
    public enum Grade: String, CaseIterable, Hashable, Sendable {
        /// No other explanation is left.
        case proven
        /// Another explanation exists, and is less likely.
        case likely
    }

    /// What is said.
    public var kind: Kind
    /// How sure it is.
    public var grade: Grade
    /// What supports it, one sentence.
    public var evidence: String

    /// Makes a verdict.
    public init(kind: Kind, grade: Grade, evidence: String) {
        self.kind = kind
        self.grade = grade
        self.evidence = evidence
    }
}

/// One sender of a stream.
public struct SenderReport: Equatable, Sendable {
    /// A name that stays with the sender for as long as its SA: the IV key's digits, or the number of
    /// the counter in order of appearance, like `#12`.
    public var name: String
    /// Packets, copies left out.
    public var packets: UInt64
    /// Its share of the stream's packets, 0...1.
    public var share: Double
    /// Packets per second between its first and its last; nil for fewer than two packets.
    public var perSecond: Double?
    /// The hop limit its latest packet had.
    public var hopLimit: UInt8
    /// Packets lost; nil while not identifiable.
    public var lost: UInt64?
    /// Packets reordered; nil while not identifiable.
    public var reordered: UInt64?
    /// When it was first seen.
    public var firstArrival: MonotonicInstant
    /// When it was last seen.
    public var lastArrival: MonotonicInstant
    /// Its highest sequence number.
    public var highestSequence: UInt32

    /// Makes a report of a sender.
    public init(
        name: String, packets: UInt64, share: Double, perSecond: Double?, hopLimit: UInt8,
        lost: UInt64?, reordered: UInt64?, firstArrival: MonotonicInstant,
        lastArrival: MonotonicInstant, highestSequence: UInt32
    ) {
        self.name = name
        self.packets = packets
        self.share = share
        self.perSecond = perSecond
        self.hopLimit = hopLimit
        self.lost = lost
        self.reordered = reordered
        self.firstArrival = firstArrival
        self.lastArrival = lastArrival
        self.highestSequence = highestSequence
    }
}
