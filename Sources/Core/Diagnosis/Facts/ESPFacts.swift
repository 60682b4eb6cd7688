/// What was seen of a tunnel's ESP on the wire.
public struct ESPFacts: Equatable, Sendable {
    /// Who sends the packets that arrive.
    public struct Senders: Hashable, Sendable {
        /// How many there must be.
        public var atLeast: Int
        /// How many there seem to be.
        public var estimate: Int
        /// How they were told apart: `iv`, `counters`; nil where they were not.
        public var method: String?
        /// How sure the estimate is, 0...1; nil while not known.
        public var confidence: Double?

        /// Makes senders.
        public init(atLeast: Int, estimate: Int, method: String?, confidence: Double?) {
            self.atLeast = atLeast
            self.estimate = estimate
            self.method = method
            self.confidence = confidence
        }
    }

    /// What one replay window does to the packets that arrive.
    public struct WindowPrediction: Hashable, Sendable {
        /// The window in packets.
        public var window: Int
        /// Packets that it would drop.
        public var drops: UInt64
        /// Of how many.
        public var packets: UInt64

        /// Makes a prediction.
        public init(window: Int, drops: UInt64, packets: UInt64) {
            self.window = window
            self.drops = drops
            self.packets = packets
        }
    }

    /// Something that the analysis of a stream says.
    public struct Statement: Hashable, Sendable {
        /// Whether it is proven, and not only likely.
        public var isProven: Bool
        /// What it rests on, with the stream's name.
        public var evidence: String
        /// How sure it is that each packet's sender was told, 0...1; nil where that does not matter.
        public var confidence: Double?

        /// Makes a statement.
        public init(isProven: Bool, evidence: String, confidence: Double? = nil) {
            self.isProven = isProven
            self.evidence = evidence
            self.confidence = confidence
        }
    }

    /// What the kernel's window should have dropped of the packets that were captured, over the same time as
    /// the kernel's own count.
    public struct ExpectedDrops: Hashable, Sendable {
        /// Dropped at least; the next larger window that is predicted drops so many.
        public var least: UInt64
        /// Dropped at most.
        public var most: UInt64
        /// Byte-identical copies that arrived, which every window drops.
        public var copies: UInt64
        /// Packets that were captured.
        public var packets: UInt64

        /// Makes it.
        public init(least: UInt64, most: UInt64, copies: UInt64, packets: UInt64) {
            self.least = least
            self.most = most
            self.copies = copies
            self.packets = packets
        }
    }

    /// How many packets arrived lately.
    public var recentInbound = Fact<Growth>.notYet
    /// How long ago the last one arrived.
    public var lastInbound = Fact<Duration>.notYet
    /// Who sends what arrives.
    public var senders = Fact<Senders>.notYet
    /// That several senders share an SA; known nil when nothing says so.
    public var manySenders = Fact<Statement?>.notYet
    /// What the kernel's window should have dropped in up to the last five minutes.
    public var expectedDrops = Fact<ExpectedDrops>.notYet
    /// What windows would do, by size, smallest first; the kernel's own is among them where it is known.
    public var windows = Fact<[WindowPrediction]>.notYet
    /// The smallest window that drops nothing; nil where none of those predicted is enough.
    public var sufficientWindow = Fact<Int?>.notYet
    /// Streams whose single senders are reordered; empty for none.
    public var reordering = Fact<[Statement]>.notYet
    /// How many packets of single senders came out of order in up to the last five minutes.
    public var recentReordered = Fact<Growth>.notYet
    /// How many old packets came again in up to the last five minutes.
    public var recentReplays = Fact<Growth>.notYet
    /// Streams in which old packets come again; empty for none.
    public var replays = Fact<[Statement]>.notYet
    /// Whether all packets are captured: empty when they are, else what is missed, a sentence each.
    public var gaps = Fact<[String]>.notYet
    /// What is wrong with the capture, a sentence; nil when nothing is.
    public var gapSummary: String?
    /// What would let the capture see them, a step each.
    public var gapRemedies: [String] = []
    /// Outer fragments of streams, a sentence each; empty for none.
    public var fragments = Fact<[String]>.notYet

    /// Nothing is known.
    public init() {}
}
