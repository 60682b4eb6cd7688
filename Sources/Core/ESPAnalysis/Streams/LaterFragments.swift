public import NetworkPrimitives

/// Fragments that are not the first of their packet, counted by the addresses they go between: they
/// carry no SPI, so no stream can have them.
///
/// *Bound.* 1 024 pairs of addresses; fragments of further ones count in `total` only.
public struct LaterFragments: Sendable {
    private struct Pair: Hashable, Sendable {
        var source: IPAddress
        var destination: IPAddress
    }

    private static let pairLimit = 1024

    private var counts: [Pair: UInt64] = [:]
    /// All of them.
    public private(set) var total: UInt64 = 0

    /// The fragments from one address to another.
    public func count(source: IPAddress, destination: IPAddress) -> UInt64 {
        counts[Pair(source: source, destination: destination)] ?? 0
    }

    mutating func note(source: IPAddress, destination: IPAddress) {
        total += 1
        let pair = Pair(source: source, destination: destination)
        guard counts[pair] != nil || counts.count < Self.pairLimit else { return }
        counts[pair, default: 0] += 1
    }
}
