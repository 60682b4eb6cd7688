import NetworkPrimitives
import PacketFormats

/// Streams with so few packets that they may be a flood of random SPIs, with these packets.
///
/// *Bound.* 256 streams of 8 packets, 300 KiB, made at the start. When all places are taken, the
/// newcomer gets that of a stream that had no second packet since the last time round (the clock
/// algorithm).
struct StreamProbation: Sendable {
    /// How many streams there are room for.
    static let limit = 256
    /// With so many packets a stream is admitted.
    static let admission = 8

    /// A stream that is not admitted.
    struct Entry: Sendable {
        var id: StreamID
        /// How many of its packets are kept.
        var count = 0
        var isUsed = false
        /// Whether another packet came since the hand passed.
        var isFresh = false
        /// Since when there is no room for it; nil while it has not asked.
        var refused: MonotonicInstant?
        var lastArrival = MonotonicInstant.zero
    }

    private(set) var entries: ContiguousArray<Entry>
    private var packets: ContiguousArray<ESPObservation>
    private var free: ContiguousArray<Int>
    private var hand = 0

    init() {
        let id = StreamID(destination: .v4(0), spi: SPI(rawValue: 0), encapsulation: .esp)
        entries = ContiguousArray(repeating: Entry(id: id), count: Self.limit)
        let blank = ESPObservation(
            arrival: .zero, source: .v4(0), destination: .v4(0), encapsulation: .esp,
            spi: SPI(rawValue: 0), sequence: 0, hopLimit: 0, identification: 0, length: 0,
            initializationVector: nil, identity: 0)
        packets = ContiguousArray(repeating: blank, count: Self.limit * Self.admission)
        free = ContiguousArray((0..<Self.limit).reversed())
    }

    /// The place whose stream has to go for a new one; nil while there is room.
    mutating func victim() -> Int? {
        guard free.isEmpty else { return nil }
        while entries[hand].isFresh {
            entries[hand].isFresh = false
            hand = (hand + 1) % Self.limit
        }
        defer { hand = (hand + 1) % Self.limit }
        return hand
    }

    /// Opens a place for a stream; there is room.
    mutating func open(_ id: StreamID) -> Int {
        let place = free.removeLast()
        entries[place] = Entry(id: id, isUsed: true)
        return place
    }

    /// Frees a place.
    mutating func close(_ place: Int) {
        entries[place].isUsed = false
        free.append(place)
    }

    /// Keeps a packet, and returns how many there are then; `admission` at most have been kept.
    mutating func keep(_ packet: borrowing ESPObservation, at place: Int) -> Int {
        let count = entries[place].count
        packets[place * Self.admission + count] = copy packet
        entries[place].count = count + 1
        entries[place].isFresh = count > 0
        entries[place].lastArrival = packet.arrival
        return count + 1
    }

    /// Notes that there is no room for a stream, and forgets its packets.
    mutating func refuse(_ place: Int, at now: MonotonicInstant) {
        entries[place].refused = now
        entries[place].count = 0
    }

    /// Notes a packet of a stream that is refused.
    mutating func pass(_ place: Int, at now: MonotonicInstant) {
        entries[place].lastArrival = now
        entries[place].isFresh = true
    }

    /// The packets kept of a stream, oldest first.
    func packets(at place: Int) -> ArraySlice<ESPObservation> {
        let start = place * Self.admission
        return ArraySlice(packets[start..<start + entries[place].count])
    }
}
