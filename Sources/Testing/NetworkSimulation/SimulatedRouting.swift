public import NetworkPrimitives
import PacketFormats

/// A router's place that several routers share, each for some of the flows.
///
/// A flow is what routers hash: the protocol, and the ICMP type and checksum or the two ports.
public struct SimulatedBranch: Hashable, Sendable {
    /// Hops from this host.
    public var distance: Int
    /// The routers that stand there beside the one of the path.
    public var alternatives: [SimulatedRouter]
    /// Whether the hash is of the protocol and the ICMP type alone, so that all flows of one kind
    /// take one way.
    public var ignoresFlow: Bool

    /// Makes a branch.
    public init(distance: Int, alternatives: [SimulatedRouter], ignoresFlow: Bool = false) {
        self.distance = distance
        self.alternatives = alternatives
        self.ignoresFlow = ignoresFlow
    }
}

/// A NAT that, like Linux' connection tracking, knows no unsolicited Echo Reply and leaves its
/// source as it is; what is sent back to such a source from beyond gets lost.
public struct SimulatedTranslation: Hashable, Sendable {
    /// How far away it is, in hops.
    public var distance: Int
    /// The source address that it gives to everything else.
    public var external: IPAddress
    /// Whether it restores the source in what an ICMP error quotes, as RFC 5508 REQ-4 wants.
    public var restoresQuotes: Bool

    /// Makes a translation.
    public init(distance: Int, external: IPAddress, restoresQuotes: Bool = true) {
        self.distance = distance
        self.external = external
        self.restoresQuotes = restoresQuotes
    }
}

/// A packet on its way out, as far as routers look at it.
struct SimulatedPacket: Hashable {
    /// Nil for a UDP datagram.
    var kind: EchoMessage.Kind?
    /// The first four octets after the IP header.
    var flow: UInt32

    /// Which of `count` ways it takes at a branch.
    func way(of count: Int, at branch: SimulatedBranch) -> Int {
        let hashed = UInt64(branch.ignoresFlow ? flow >> 16 & (kind == nil ? 0 : .max) : flow)
        let seed = hashed << 16 | UInt64(branch.distance) << 8 | (kind == nil ? 17 : 1)
        var generator = SeededGenerator(seed: seed)
        return Int(generator.below(Int64(count)))
    }
}

extension SimulatedPath {
    /// The path that one packet takes.
    func resolved(for packet: SimulatedPacket) -> SimulatedPath {
        guard !branches.isEmpty else { return self }
        var path = self
        for branch in branches where (1...routers.count).contains(branch.distance) {
            let way = packet.way(of: branch.alternatives.count + 1, at: branch)
            if way > 0 { path.routers[branch.distance - 1] = branch.alternatives[way - 1] }
        }
        return path
    }
}
