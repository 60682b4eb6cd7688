public import NetworkPrimitives

/// The first octets of the last packets of a device, in memory of fixed size.
///
/// The newest push out the oldest. To record copies words into memory that is there already: no
/// allocation, no lock, no text. A copy of the ring shares its memory until the next packet.
public struct HeaderRing: Sendable {
    /// Which way a packet passed the device.
    public enum Way: UInt64, Sendable {
        /// Not known by the one who recorded it.
        case unknown = 0
        /// It arrived.
        case inbound = 1
        /// It left.
        case outbound = 2
    }

    /// A packet that the ring holds.
    public struct Record: Hashable, Sendable {
        /// Its number among all that were ever recorded here, from 0.
        public var number: UInt64
        /// When it passed.
        public var arrival: MonotonicInstant
        /// Its length on the wire in octets, at most 2²⁰ - 1.
        public var wireLength: Int
        /// Which way it passed.
        public var way: Way
        /// How many packets passed between the one before and this that were not recorded.
        public var unrecordedBefore: UInt32
        /// What is kept of it.
        public var octets: [UInt8]

        /// Describes a packet.
        public init(
            number: UInt64, arrival: MonotonicInstant, wireLength: Int, way: Way,
            unrecordedBefore: UInt32, octets: [UInt8]
        ) {
            self.number = number
            self.arrival = arrival
            self.wireLength = wireLength
            self.way = way
            self.unrecordedBefore = unrecordedBefore
            self.octets = octets
        }
    }

    /// The most octets that are kept of a packet.
    public static let maximumLength = 512
    /// Stamp, and lengths with the packets left out.
    private static let headerWords = 2

    /// Packets that were recorded, those pushed out included.
    public private(set) var recorded: UInt64 = 0
    /// Packets that passed and were not recorded.
    public private(set) var unrecorded: UInt64 = 0
    /// How many of the recorded ones the ring still holds.
    public private(set) var count = 0
    /// Packets left out since the last recorded one.
    public private(set) var unrecordedSince: UInt32 = 0

    private var words: ContiguousArray<UInt64>
    /// Where the next record goes.
    private var head = 0
    /// Where the oldest record stands.
    private var tail = 0
    /// Where the records end that stand before the jump back to the start.
    private var lapEnd = 0

    /// Makes an empty ring.
    ///
    /// - Parameter byteCount: the memory it takes, in octets; room for two of the largest packets at
    ///   least.
    public init(byteCount: Int) {
        let least = 2 * (Self.headerWords + Self.maximumLength / 8)
        words = ContiguousArray(repeating: 0, count: max(byteCount / 8, least))
        lapEnd = words.count
    }

    /// The ring's memory in octets.
    public var byteCount: Int { words.count * 8 }

    /// The memory that a packet of which `length` octets are kept takes, in octets.
    public static func cost(of length: Int) -> Int { (headerWords + (length + 7) / 8) * 8 }

    /// Notes a packet that is not recorded.
    @inline(__always)
    public mutating func leaveOut() {
        unrecorded &+= 1
        if unrecordedSince < .max { unrecordedSince += 1 }
    }

    /// Records a packet.
    ///
    /// - Parameters:
    ///   - frame: its captured octets.
    ///   - length: how many of them are kept, cut to what there is and to `maximumLength`.
    ///   - wireLength: its length on the wire.
    ///   - arrival: when it passed.
    ///   - way: which way.
    public mutating func record(
        _ frame: RawSpan, keeping length: Int, wireLength: Int, at arrival: MonotonicInstant,
        _ way: Way
    ) {
        let length = max(0, min(length, frame.byteCount, Self.maximumLength))
        let need = Self.headerWords + (length + 7) / 8
        if head + need > words.count { jumpBack() }
        while count > 0, tail >= head, tail < head + need { dropOldest() }
        words[head] = UInt64(bitPattern: arrival.nanoseconds)
        words[head + 1] =
            UInt64(unrecordedSince) << 32 | UInt64(min(max(wireLength, 0), 0xf_ffff)) << 12
            | UInt64(length) << 2 | way.rawValue
        var place = head + Self.headerWords
        var offset = 0
        while offset + 8 <= length {
            words[place] = frame.bigEndianUInt64(at: offset)
            offset += 8
            place += 1
        }
        if offset < length {
            var word: UInt64 = 0
            for index in offset..<length {
                word |= UInt64(frame.uint8(at: index)) << UInt64(56 - 8 * (index - offset))
            }
            words[place] = word
        }
        if count == 0 { tail = head }
        head += need
        count += 1
        recorded &+= 1
        unrecordedSince = 0
    }

    /// Goes on at the start of the memory; what stands between here and the end is given up.
    private mutating func jumpBack() {
        while count > 0, tail >= head { dropOldest() }
        lapEnd = head
        head = 0
        if count == 0 { tail = 0 }
    }

    private mutating func dropOldest() {
        tail += Self.headerWords + (Self.length(words[tail + 1]) + 7) / 8
        count -= 1
        if count == 0 {
            tail = head
        } else if tail >= lapEnd, tail > head {
            tail = 0
            lapEnd = words.count
        }
    }

    /// Forgets all packets; the counters stay.
    public mutating func removeAll() {
        (head, tail, count, lapEnd) = (0, 0, 0, words.count)
    }

    private static func length(_ word: UInt64) -> Int { Int(word >> 2 & 0x3ff) }

    /// Calls `body` with every packet that the ring holds, the oldest first.
    ///
    /// - Parameters:
    ///   - number: packets before this one are left out.
    ///   - body: called with each.
    public func forEach(from number: UInt64 = 0, _ body: (Record) -> Void) {
        var place = tail
        let first = recorded &- UInt64(count)
        for index in 0..<count {
            if place >= lapEnd, place > head { place = 0 }
            let word = words[place + 1]
            let length = Self.length(word)
            let start = place + Self.headerWords
            if first + UInt64(index) >= number {
                body(
                    Record(
                        number: first + UInt64(index),
                        arrival: MonotonicInstant(nanoseconds: Int64(bitPattern: words[place])),
                        wireLength: Int(word >> 12 & 0xf_ffff),
                        way: Way(rawValue: word & 3) ?? .unknown,
                        unrecordedBefore: UInt32(word >> 32),
                        octets: (0..<length).map {
                            UInt8(
                                truncatingIfNeeded: words[start + $0 / 8]
                                    >> UInt64(56 - 8 * ($0 % 8)))
                        }))
            }
            place = start + (length + 7) / 8
        }
    }
}
