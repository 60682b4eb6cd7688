/// The parameters of a simulated ESP stream: one SA, many senders, a path from each to us.
///
/// Same meaning as the reference prototype's `simulate`. Everything follows from the parameters, on
/// any machine; seconds and probabilities are plain numbers here as there.
public struct ESPStreamSimulation: Hashable, Sendable {
    /// Where the senders' counters start.
    public enum Start: String, CaseIterable, Hashable, Sendable {
        /// At 1, when the sender learns of the SA: within `stagger` seconds.
        case one
        /// Where a counter of an SA `age` seconds old stands.
        case aged
        /// Anywhere in 1 ..< 2³¹.
        case random
        /// At 1, and all senders send at the same even pace: the hardest case for a tracker.
        case lock
    }

    /// What the eight octets after the ESP header are.
    public enum IVMode: String, CaseIterable, Hashable, Sendable {
        /// Random for each packet.
        case random
        /// Part of a cipher block: random to whoever lacks the key, though it follows from the packet.
        case block
        /// The sequence number XOR a random salt of the sender: Linux' seqiv.
        case seqiv
        /// A 16-bit sender id before the sequence number (RFC 6054).
        case sid16
        /// A 16-bit sender id before `base + sequence number`, the base random for each sender.
        case base
        /// A random 32-bit number of the sender before a counter that takes uneven steps.
        case prefix32
        /// The same with a 24-bit number.
        case prefix24
    }

    /// What the IPv4 identification is.
    public enum IdentificationMode: String, CaseIterable, Hashable, Sendable {
        /// 0, as Linux sends with DF.
        case zero
        /// Linux' counter: 1 more, and a random step after idle time.
        case linux
        /// Random.
        case random
    }

    /// Senders, at least 1.
    public var senders = 50
    /// Packets sent per second by all of them together.
    public var packetsPerSecond = 5000.0
    /// How long they send, in seconds.
    public var duration = 30.0
    /// The exponent of Zipf's law for the senders' rates; 0 for equal rates.
    public var zipf = 1.0
    /// Where counters start.
    public var start = Start.one
    /// Each sender starts within so many seconds.
    public var stagger = 0.0
    /// Each sender ends up to so many seconds after `duration`, when it learns of the next SA.
    public var tail = 0.0
    /// The lost share of packets.
    public var loss = 0.0
    /// The chance that a loss follows a loss (Gilbert's model); 0 for independent losses.
    public var burst = 0.0
    /// The share of packets that are delayed, and may be overtaken.
    public var reorder = 0.0
    /// The least and the largest of these delays, in milliseconds.
    public var reorderMilliseconds = 0.5...20.0
    /// Whether reordered packets come behind 1 to 3 later packets of their sender instead.
    public var isForced = false
    /// The share of packets that the network duplicates.
    public var duplication = 0.0
    /// How many different hop limits there are among senders, at least 1.
    public var hopLimits = 12
    /// The share of packets whose hop limit is one less than their sender's.
    public var hopLimitFlips = 0.0
    /// What the IPv4 identification is.
    public var identification = IdentificationMode.zero
    /// What the IV is.
    public var iv = IVMode.random
    /// Whether senders send at an even pace, to a millisecond, instead of at random.
    public var isPeriodic = false
    /// How old an aged SA is, in seconds.
    public var age = 3600.0
    /// How many packets of the stream's second third an attacker sends again.
    public var replays = 0
    /// How long after the packet, in seconds.
    public var replayAge = 5.0
    /// How many senders restart half-way, with their counters at 1.
    public var restarts = 0
    /// Whether the counters of a third of the senders pass 2³² half-way, as only ESN allows.
    public var wraps = false
    /// No sender sends fewer packets per second.
    public var minimumRate = 0.0
    /// What everything random follows from.
    public var seed: UInt64 = 1
    /// What the senders' rates, hop limits and delays follow from; nil for `seed`.
    ///
    /// The SAs of one tunnel have it in common.
    public var fleet: UInt64?
    /// The how-manieth SA of the tunnel this is.
    ///
    /// A sender ends on one SA when it starts on the next.
    public var generation: UInt64 = 0

    /// A simulation of 50 senders and no trouble.
    public init() {}

    /// A simulation with some parameters set.
    ///
    /// `adjust` sets those that are not in the list.
    public init(
        senders: Int, packetsPerSecond: Double = 5000, duration: Double = 30, seed: UInt64 = 1,
        adjust: (inout Self) -> Void = { _ in }
    ) {
        self.senders = senders
        self.packetsPerSecond = packetsPerSecond
        self.duration = duration
        self.seed = seed
        adjust(&self)
    }

    /// All packets in order of arrival, and the truth about them.
    public func run() -> SimulatedESPStream {
        var run = ESPStreamRun(self)
        var packets: [SimulatedESPPacket] = []
        packets.reserveCapacity(Int(packetsPerSecond * duration * (1 + duplication) * 1.02) + 16)
        while let packet = run.next() { packets.append(packet) }
        return SimulatedESPStream(packets: packets, truth: run.truth)
    }
}

/// A simulated stream as a whole.
public struct SimulatedESPStream: Sendable {
    /// The packets in order of arrival.
    public var packets: [SimulatedESPPacket]
    /// The truth about them.
    public var truth: ESPStreamTruth

    /// A number that changes with any octet of any packet; the same on every machine.
    public var checksum: UInt64 {
        packets.reduce(0) { sum, packet in
            var sum = mixed(sum ^ UInt64(bitPattern: packet.arrival))
            sum = mixed(sum ^ (UInt64(packet.epoch) << 32 | UInt64(packet.sequence)))
            sum = mixed(sum ^ (UInt64(packet.hopLimit) << 16 | UInt64(packet.identification)))
            return mixed(sum ^ packet.initializationVector) ^ packet.identity
        }
    }
}

/// What is true of a stream, as judges need it.
public struct ESPStreamTruth: Hashable, Sendable {
    /// What is true of one sender.
    public struct Sender: Hashable, Sendable {
        /// Packets sent.
        public var sent = 0
        /// Packets lost on the way.
        public var lost = 0
        /// Packets that arrived, copies left out.
        public var received = 0
        /// Packets reordered within the sender (RFC 4737 §3), copies left out.
        public var reordered = 0
        /// Whether its counter was set back to 1.
        public var hasRestarted = false
        /// Packets per second it sends on average.
        public var rate = 0.0

        /// The index that RFC 4737 expects next.
        var expectedIndex: Int32 = 0
    }

    /// The senders, those that sent nothing included.
    public var senders: [Sender] = []
    /// Copies the network made.
    public var duplicates = 0
    /// Copies an attacker sent.
    public var replays = 0

    /// Senders of which at least one packet arrived.
    public var activeSenders: Int { senders.count { $0.received > 0 } }
    /// Counters of which at least one packet arrived, more than senders when some restarted.
    public var instances: Int { senders.count { $0.hasRestarted } + activeSenders }
    /// Packets sent.
    public var sent: Int { senders.reduce(0) { $0 + $1.sent } }
    /// Packets lost.
    public var lost: Int { senders.reduce(0) { $0 + $1.lost } }
    /// Packets that arrived, copies left out.
    public var received: Int { senders.reduce(0) { $0 + $1.received } }
    /// Packets reordered within their sender (RFC 4737 §3).
    public var reordered: Int { senders.reduce(0) { $0 + $1.reordered } }
    /// The lost share of the packets sent; 0 of none.
    public var lossRatio: Double { sent == 0 ? 0 : Double(lost) / Double(sent) }
    /// The reordered share of the packets that arrived; 0 of none.
    public var reorderedRatio: Double {
        received == 0 ? 0 : Double(reordered) / Double(received)
    }

    /// Notes an arrival.
    mutating func receive(_ packet: SimulatedESPPacket) {
        if packet.isReplay {
            replays += 1
        } else if packet.isDuplicate {
            duplicates += 1
        } else {
            let sender = Int(packet.sender)
            senders[sender].received += 1
            if packet.index >= senders[sender].expectedIndex {
                senders[sender].expectedIndex = packet.index + 1
            } else {
                senders[sender].reordered += 1
            }
        }
    }
}
