public import NetworkPrimitives

/// The latest packets of all streams by their identity, to know a copy when it comes.
///
/// Algorithms §1. One table for all streams, so that memory does not grow with their number; the
/// stream is mixed into the key, so equal octets in two streams do not meet. A line of 64 octets
/// holds four entries; a new packet replaces the oldest of its line. Packets are forgotten after
/// about as many others as the table has entries (half of them live longer than 0.9 of it, 1 % less
/// than 0.2).
///
/// *Memory.* 16 octets an entry: 2 MiB at 2¹⁷, 16 MiB at 2²⁰. Never grows.
public struct PacketIdentityTable: Sendable {
    /// What a packet is to the table.
    public enum Sighting: Hashable, Sendable {
        /// No copy of it is known.
        case first
        /// A copy of it came before.
        ///
        /// `age` is the time since the first copy, however many came between. Stamps are kept
        /// modulo 2⁵⁶ ns, which is 2.3 years. `hopLimitDiffers` compares with the first copy too.
        case copy(age: Duration, hopLimitDiffers: Bool)
    }

    /// A line is four of these: the keys of four packets, newest first, then stamp ≪ 8 | hop limit of each.
    ///
    /// Key 0 is no packet.
    private typealias Pair = SIMD2<UInt64>

    /// The lines, after `lead` pairs that are not used, so that each lies in one line of the cache.
    private var pairs: ContiguousArray<Pair>
    private let lead: Int
    /// How many entries there are room for.
    public let capacity: Int
    /// How many different packets it has taken in, of all streams.
    private(set) var taken: UInt64 = 0
    private let lineMask: UInt64
    private let secret: UInt64
    private let streamSecret: UInt64

    /// Makes an empty table.
    ///
    /// - Parameters:
    ///   - capacity: Entries, a power of two, at least 4.
    ///   - seed: A secret random number, against packets that all go to one line.
    public init(capacity: Int, seed: UInt64) {
        precondition(capacity >= 4 && capacity.nonzeroBitCount == 1, "capacity: a power of two")
        pairs = ContiguousArray(repeating: Pair(0, 0), count: capacity + 3)
        lead = pairs.countBeforeCacheLine
        self.capacity = capacity
        lineMask = UInt64(capacity / 4 - 1)
        var stream = SecretStream(seed: seed)
        secret = stream.next()
        streamSecret = stream.next() | 1
    }

    /// The key of a packet, one-to-one for every stream, so that different identities stay so.
    @inline(__always)
    func key(_ identity: UInt64, _ stream: UInt32) -> UInt64 {
        let mixed = SecretStream.mixed(identity ^ secret &+ UInt64(stream) &* streamSecret)
        return mixed == 0 ? 1 : mixed
    }

    /// Loads the line of a key that is about to be looked up, and returns something of it.
    ///
    /// Loads do not wait for each other, whereas packets that are each looked up to the end do. Call
    /// it for the keys of a batch first, and use the result somehow, lest the compiler leave it
    /// out.
    @inline(__always)
    func touch(_ key: UInt64) -> UInt64 { pairs[first(of: key)].x }

    /// Looks a packet up, and remembers it if it is new.
    ///
    /// - Parameters:
    ///   - identity: By ``PacketIdentityHash``.
    ///   - stream: A number that no other stream of the table has.
    ///   - arrival: When it arrived.
    ///   - hopLimit: The hop limit it arrived with.
    /// - Returns: Whether a copy of it came before.
    @inline(__always)
    public mutating func sight(
        _ identity: UInt64, stream: UInt32, at arrival: MonotonicInstant, hopLimit: UInt8
    ) -> Sighting {
        sight(key(identity, stream), at: arrival, hopLimit: hopLimit)
    }

    /// Looks a packet up by its key, and remembers it if it is new.
    @inline(__always)
    mutating func sight(
        _ key: UInt64, at arrival: MonotonicInstant, hopLimit: UInt8
    ) -> Sighting {
        let first = first(of: key)
        let newer = pairs[first]
        let older = pairs[first + 1]
        let newerStamps = pairs[first + 2]
        let olderStamps = pairs[first + 3]
        let stamp = UInt64(bitPattern: arrival.nanoseconds) << 8
        let known: UInt64
        if newer.x == key {
            known = newerStamps.x
        } else if newer.y == key {
            known = newerStamps.y
        } else if older.x == key {
            known = olderStamps.x
        } else if older.y == key {
            known = olderStamps.y
        } else {
            taken &+= 1
            pairs[first] = Pair(key, newer.x)
            pairs[first + 1] = Pair(newer.y, older.x)
            pairs[first + 2] = Pair(stamp | UInt64(hopLimit), newerStamps.x)
            pairs[first + 3] = Pair(newerStamps.y, olderStamps.x)
            return .first
        }
        // The difference of stamps above 8 bits of nothing, so it wraps where they do.
        let age = (stamp &- (known & ~0xff)) >> 8
        return .copy(
            age: .nanoseconds(Int64(age)),
            hopLimitDiffers: UInt8(truncatingIfNeeded: known) != hopLimit)
    }

    /// Where the line of a key begins.
    @inline(__always)
    private func first(of key: UInt64) -> Int {
        lead + Int(truncatingIfNeeded: key & lineMask) << 2
    }
}
