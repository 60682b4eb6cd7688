import NetworkPrimitives

/// Finds out whether the explicit IV names the sender, from a stream's first packets (algorithms §4).
///
/// The packets are kept and tried when there are 256, 512 and so on: every family whose keys repeat far
/// more often than random ones would is a candidate; those whose keys are not one counter each are
/// dropped; of the rest the one with the fewest keys wins, and of those within a tenth of it the
/// finest, as a coarser one may merge senders by chance. A winner must explain every other packet by
/// a key seen before, else learning goes on. The owner compares the count with another method's and
/// may `refuse`. The packets are kept until the owner takes them, so that none is lost for the senders' figures.
///
/// *Bound.* 16 384 packets of 32 octets, and 768 KiB while a trial runs, all given back at the end.
public struct IVFingerprint: Sendable {
    /// Packets before the first trial.
    public static let leastPackets = 256
    /// Packets after which the IV is given up.
    public static let mostPackets = 16_384
    /// Packets after which it is given up if no family comes near.
    static let hopelessPackets = 4096

    /// Why the IV does not name the sender.
    public enum Refusal: String, CaseIterable, Hashable, Sendable {
        /// The capture has too little of the packets.
        case truncated = "the capture is too short to hold the IVs"
        /// There is no IV: the packets are not encrypted.
        case notEncrypted = "the packets look unencrypted"
        /// IVs look random, or at least unrelated to the sequence numbers.
        case unrelated = "the IVs do not name the senders"
        /// They seemed to, and it led to senders that cannot be.
        case contradicted = "the IVs name senders that the sequence numbers contradict"
    }

    /// What is known about the IVs.
    public enum State: Hashable, Sendable {
        /// Not enough yet.
        case learning
        /// They name the sender by this family's key.
        case named(IVFamily)
        /// They do not.
        case refused(Refusal)
    }

    /// A packet as the senders' figures need it.
    struct Packet: Sendable {
        var initializationVector: UInt64
        var arrival: Int64
        var sequence: UInt32
        var identification: UInt16
        var hopLimit: UInt8
    }

    /// What is known about the IVs.
    public private(set) var state = State.learning
    /// How many keys the named family had when it was accepted, of `packets.count` packets.
    public private(set) var distinctKeys = 0
    /// The packets so far.
    private(set) var packets: ContiguousArray<Packet> = []
    private var withoutIV = 0
    private var unencrypted = 0
    private var nextTrial = Self.leastPackets
    private let seed: UInt64

    /// Makes a fingerprint that has seen nothing.
    ///
    /// - Parameter seed: A random number, against keys that all go to one place.
    public init(seed: UInt64) {
        self.seed = seed
    }

    /// Takes in the next packet, copies left out, and returns true when that changed `state`.
    public mutating func learn(_ packet: ESPObservation) -> Bool {
        guard case .learning = state else { return false }
        guard let initializationVector = packet.initializationVector else {
            withoutIV += 1
            guard withoutIV >= Self.leastPackets, withoutIV > packets.count else { return false }
            refuse(.truncated)
            return true
        }
        if Self.looksUnencrypted(initializationVector, packet) { unencrypted += 1 }
        packets.append(
            Packet(
                initializationVector: initializationVector, arrival: packet.arrival.nanoseconds,
                sequence: packet.sequence, identification: packet.identification,
                hopLimit: packet.hopLimit))
        guard packets.count == nextTrial else { return false }
        return tryFamilies()
    }

    /// Gives the IV up.
    public mutating func refuse(_ refusal: Refusal) {
        state = .refused(refusal)
        packets = []
    }

    /// Takes a name back that something else speaks against; more packets may tell, if there may be more.
    public mutating func postpone() {
        guard case .named = state else { return }
        guard packets.count < Self.mostPackets else { return refuse(.contradicted) }
        state = .learning
        nextTrial = packets.count * 2
    }

    /// Hands out the packets that were learnt from, and forgets them.
    mutating func takePackets() -> ContiguousArray<Packet> {
        let taken = packets
        packets = []
        return taken
    }

    /// Whether an inner IP header stands where the IV would be, of a length that fits.
    private static func looksUnencrypted(_ octets: UInt64, _ packet: ESPObservation) -> Bool {
        let inner: Int
        switch octets >> 60 {
        case 4: inner = Int(octets >> 32 & 0xffff)
        case 6: inner = Int(octets >> 16 & 0xffff) + 40
        default: return false
        }
        // Outer IP 20...40, ESP 8, UDP 0 or 8, trailer and ICV 2...50 around it; §10.1.
        return (30...120).contains(packet.length - inner)
    }

    private mutating func tryFamilies() -> Bool {
        let count = packets.count
        guard unencrypted * 2 <= count else {
            refuse(.notEncrypted)
            return true
        }
        // A few runts are forged or broken; more, and senders would seem to lose packets.
        guard withoutIV * 100 <= count else {
            refuse(.truncated)
            return true
        }
        var trial = IVFamilyTrial(packetLimit: count, seed: seed)
        let results = IVFamily.allCases.map { trial.run($0, on: packets) }
        let fits = results.filter { $0.passes }
        if let fewest = fits.map(\.distinctKeys).min() {
            var near = fits.filter { Double($0.distinctKeys) <= 1.1 * Double(fewest) }
            // Salts are random, so IV - sequence is constant under seqiv by a great chance only; but a
            // counter after a sender's id is constant under both until it carries.
            if let difference = near.first(where: { $0.family == .difference }),
                let xor = near.first, xor.family == .xor,
                difference.distinctKeys <= xor.distinctKeys
            {
                near.removeFirst()
            }
            let winner = near[0]
            if winner.distinctKeys * 2 <= count || count >= Self.mostPackets {
                state = .named(winner.family)
                distinctKeys = winner.distinctKeys
                return true
            }
        }
        let isHopeless = count >= Self.hopelessPackets && !results.contains { $0.isPromising }
        guard count < Self.mostPackets, !isHopeless else {
            refuse(.unrelated)
            return true
        }
        nextTrial *= 2
        return false
    }
}
