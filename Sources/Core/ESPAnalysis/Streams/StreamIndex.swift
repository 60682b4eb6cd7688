import NetworkPrimitives
import PacketFormats

/// Finds streams by what they are known by: open addressing with linear probing, a secret hash.
///
/// *Bound.* 64 octets a place, and at least twice as many places as streams, all made at the start.
struct StreamIndex: Sendable {
    private struct Place: Sendable {
        var id: StreamID
        var hash: UInt32
        /// `nothing` if free.
        var value: Int32
    }

    /// What stands for no value.
    static let nothing = Int32.min

    private var places: ContiguousArray<Place>
    private let hash: FoldedHash

    /// Makes an index of up to `limit` streams.
    init(limit: Int, seed: UInt64) {
        var capacity = 16
        while capacity < limit * 2 { capacity *= 2 }
        let free = Place(
            id: StreamID(destination: .v4(0), spi: SPI(rawValue: 0), encapsulation: .esp), hash: 0,
            value: Self.nothing)
        places = ContiguousArray(repeating: free, count: capacity)
        hash = FoldedHash(seed: seed)
    }

    private func hash(of id: StreamID) -> UInt32 {
        let high: UInt64
        let low: UInt64
        switch id.destination {
        case .v4(let bits): (high, low) = (0, UInt64(bits))
        case .v6(let bits):
            (high, low) = (
                UInt64(truncatingIfNeeded: bits >> 64), UInt64(truncatingIfNeeded: bits)
            )
        }
        let rest = UInt64(id.spi.rawValue) << 1 | (id.encapsulation == .udp ? 1 : 0)
        return UInt32(truncatingIfNeeded: hash(hash(high, low), rest))
    }

    /// The value of a stream, or `nothing`.
    subscript(id: StreamID) -> Int32 {
        let hash = hash(of: id)
        var place = Int(hash) & (places.count - 1)
        while places[place].value != Self.nothing {
            if places[place].hash == hash, places[place].id == id { return places[place].value }
            place = (place + 1) & (places.count - 1)
        }
        return Self.nothing
    }

    /// Sets the value of a stream, which may be new.
    mutating func set(_ value: Int32, for id: StreamID) {
        let hash = hash(of: id)
        var place = Int(hash) & (places.count - 1)
        while places[place].value != Self.nothing {
            if places[place].hash == hash, places[place].id == id { break }
            place = (place + 1) & (places.count - 1)
        }
        places[place] = Place(id: id, hash: hash, value: value)
    }

    /// Forgets a stream.
    mutating func remove(_ id: StreamID) {
        let hash = hash(of: id)
        var gap = Int(hash) & (places.count - 1)
        while places[gap].value != Self.nothing {
            if places[gap].hash == hash, places[gap].id == id { break }
            gap = (gap + 1) & (places.count - 1)
        }
        guard places[gap].value != Self.nothing else { return }
        // Later entries of the run move up, where that does not put them before their home.
        var place = gap
        while true {
            place = (place + 1) & (places.count - 1)
            guard places[place].value != Self.nothing else { break }
            let distance = (place - Int(places[place].hash)) & (places.count - 1)
            guard distance >= (place - gap) & (places.count - 1) else { continue }
            places[gap] = places[place]
            gap = place
        }
        places[gap].value = Self.nothing
    }
}
