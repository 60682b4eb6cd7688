/// The packets of the last δ, oldest first, and the latest of each number among them.
///
/// A ring of packets, each with a link to the packet before it that fell into the same bucket; a
/// table of buckets that tells the latest packet of each. Packets have serial numbers, so a link to
/// one that has left the ring is known by its age, and nothing needs to be taken out of the table.
///
/// *Memory.* 24 octets a packet and two buckets of 4 octets. Both double when needed, up to `limit`
/// packets: 4 MiB. They do not shrink.
struct PendingPackets: Sendable {
    /// A packet whose chain is known and which may still be overtaken.
    struct Packet: Sendable {
        /// When it arrived, in nanoseconds.
        var arrival: Int64 = 0
        /// Its number.
        var sequence: UInt32 = 0
        /// Its chain's length in the life of the SA.
        var height: UInt16 = 0
        /// Its chain's length in the present window; 0 if it came before the window began.
        var windowHeight: UInt16 = 0
        /// The serial number of the packet before it in its bucket.
        var previous: UInt32 = 0

        var heights: ConflictLevels.Heights {
            ConflictLevels.Heights(life: Int(height), window: Int(windowHeight))
        }
    }

    /// No more packets are kept; 262 000 packets/s at δ = 0.5 s.
    static let limit = 1 << 17

    /// Buckets in a page, where a sender's next numbers are too: one cache line.
    private static let pageSize: UInt32 = 16
    /// Packets of a bucket that are looked at; at half load the longest list is far shorter.
    private static let maximumSteps = 64

    /// By serial number modulo the size, a power of two.
    private var ring: ContiguousArray<Packet>
    /// Sixteen numbers in a row have places in a row in a page found by a keyed hash, turned by a
    /// keyed amount, so that no choice of numbers fills few buckets.
    private var buckets: ContiguousArray<UInt32>
    private var pageShift: UInt64
    private let secrets: (UInt64, UInt64)
    /// The serial number of the next packet.
    private var next: UInt32 = 0
    private(set) var count = 0

    init(seed: UInt64) {
        var stream = SecretStream(seed: seed)
        secrets = (stream.next(), stream.next() | 1)
        ring = ContiguousArray(repeating: Packet(), count: 512)
        buckets = ContiguousArray(repeating: 0, count: 1024)
        pageShift = 64 - 6
    }

    /// Removes the oldest packet and returns it, if it is older than `delta` at `time`.
    @inline(__always)
    mutating func removeFirst(olderThan delta: UInt64, at time: Int64) -> Packet? {
        guard count > 0 else { return nil }
        let packet = ring[place(next &- UInt32(truncatingIfNeeded: count))]
        guard UInt64(bitPattern: time &- packet.arrival) > delta else { return nil }
        count &-= 1
        return packet
    }

    /// The heights of the latest packet with `sequence`, 0 without one.
    ///
    /// If there is room for one more, the packet leaves its list, since the next one is to come in
    /// its place. So the packets of a list have different numbers, which no choice makes many.
    @inline(__always)
    mutating func takeHeights(of sequence: UInt32) -> ConflictLevels.Heights {
        let bucket = bucket(of: sequence)
        var serial = buckets[bucket]
        guard isPending(serial) else { return ConflictLevels.Heights(life: 0, window: 0) }
        var packet = ring[place(serial)]
        if packet.sequence == sequence {
            if count < Self.limit { buckets[bucket] = packet.previous }
            return packet.heights
        }
        for _ in 0..<Self.maximumSteps {
            let newer = serial
            serial = packet.previous
            // Links lead to older packets, or to such as have left the ring.
            guard isPending(serial), next &- serial > next &- newer else { break }
            packet = ring[place(serial)]
            if packet.sequence == sequence {
                if count < Self.limit { ring[place(newer)].previous = packet.previous }
                return packet.heights
            }
        }
        return ConflictLevels.Heights(life: 0, window: 0)
    }

    @inline(__always)
    private func isPending(_ serial: UInt32) -> Bool {
        next &- serial &- 1 < UInt32(truncatingIfNeeded: count)
    }

    /// The bucket of `sequence`, loaded ahead of need: the serial number of its latest packet.
    @inline(__always)
    func touchBucket(of sequence: UInt32) -> UInt32 { buckets[bucket(of: sequence)] }

    /// The packet with a serial number if it is still pending, loaded ahead of need: anything of it.
    @inline(__always)
    func touchPacket(_ serial: UInt32) -> UInt32 {
        // No branch, since which it is is as good as random; the latest packet is near anyway.
        ring[place(isPending(serial) ? serial : next &- 1)].sequence
    }

    /// The heights of the packet before `sequence`, if it is found at once; else 0.
    @inline(__always)
    func guess(for sequence: UInt32) -> ConflictLevels.Heights {
        let serial = buckets[bucket(of: sequence &- 1)]
        let packet = ring[place(serial)]
        return packet.sequence == sequence &- 1
            ? packet.heights : ConflictLevels.Heights(life: 0, window: 0)
    }

    /// Appends the latest packet; returns false if there is no room for it.
    @inline(__always)
    mutating func append(
        _ sequence: UInt32, arrival: Int64, heights: ConflictLevels.Heights
    ) -> Bool {
        if count == ring.count {
            guard count < Self.limit else { return false }
            grow()
        }
        let bucket = bucket(of: sequence)
        ring[place(next)] = Packet(
            arrival: arrival, sequence: sequence,
            height: UInt16(truncatingIfNeeded: heights.life),
            windowHeight: UInt16(truncatingIfNeeded: heights.window), previous: buckets[bucket])
        buckets[bucket] = next
        next &+= 1
        count &+= 1
        return true
    }

    /// Forgets the heights in the present window.
    mutating func beginWindow() {
        for age in 0..<count {
            ring[place(next &- 1 &- UInt32(age))].windowHeight = 0
        }
    }

    @inline(__always)
    private func place(_ serial: UInt32) -> Int { Int(serial) & (ring.count &- 1) }

    @inline(__always)
    private func bucket(of sequence: UInt32) -> Int {
        let hash = foldedProduct(UInt64(sequence / Self.pageSize) ^ secrets.0, secrets.1)
        let page = Int(truncatingIfNeeded: hash &>> pageShift)
        let turned = (sequence &+ UInt32(truncatingIfNeeded: hash)) % Self.pageSize
        return page &* Int(Self.pageSize) &+ Int(turned)
    }

    private mutating func grow() {
        let old = ring
        let first = next &- UInt32(count)
        let serials = (0..<UInt32(count)).map { first &+ $0 }
        ring = ContiguousArray(repeating: Packet(), count: old.count * 2)
        buckets = ContiguousArray(repeating: first, count: buckets.count * 2)
        pageShift -= 1
        next = first
        count = 0
        for serial in serials {
            let packet = old[Int(serial) & (old.count - 1)]
            _ = takeHeights(of: packet.sequence)
            _ = append(packet.sequence, arrival: packet.arrival, heights: packet.heights)
        }
    }
}
