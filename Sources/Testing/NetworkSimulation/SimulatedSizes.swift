public import NetworkPrimitives

/// How large a packet the links of a path carry, and who says so when one is too large.
public struct SimulatedSizes: Hashable, Sendable {
    /// What each link takes outward, in octets of the IP packet; empty for any size.
    ///
    /// The first is from this host to the first router, the last to the target. What the first does
    /// not take, this host's kernel refuses.
    public var links: [Int]
    /// What the same links take on the way back, where what is too large vanishes; nil for the same.
    public var linksBack: [Int]?

    /// Makes links that take so much; with no argument any size.
    public init(links: [Int] = [], linksBack: [Int]? = nil) {
        self.links = links
        self.linksBack = linksBack
    }

    /// What the link that ends `distance` hops away takes outward; nil for any size.
    func limit(ofLink distance: Int) -> Int? {
        distance <= links.count ? links[distance - 1] : nil
    }

    /// Whether an answer from `distance` hops away finds its way back.
    func returns(_ byteCount: Int, from distance: Int) -> Bool {
        (linksBack ?? links).prefix(distance).allSatisfy { byteCount <= $0 }
    }
}

/// What a router says about a packet that its next link does not take.
public enum SimulatedPacketTooBig: Hashable, Sendable {
    /// What the link takes: RFC 1191 §4, RFC 4443 §3.2.
    case exact
    /// Nothing; what makes a black hole.
    case filtered
    /// No size, as routers before RFC 1191.
    case unnamed
    /// This size, whatever the link takes.
    case claims(Int)
}

/// A Packet Too Big that somebody makes up about a packet that passes a router unhindered.
public struct SimulatedForgery: Hashable, Sendable {
    /// Who seems to send it.
    public var sender: IPAddress
    /// What it says that fits.
    public var mtu: Int
    /// Whether it quotes what was sent; else another destination.
    public var quotesTruly: Bool
    /// Packets of fewer octets draw none.
    public var leastByteCount: Int

    /// Makes a forgery about every packet of at least `leastByteCount` octets.
    public init(
        sender: IPAddress, mtu: Int, quotesTruly: Bool = true, leastByteCount: Int = 0
    ) {
        self.sender = sender
        self.mtu = mtu
        self.quotesTruly = quotesTruly
        self.leastByteCount = leastByteCount
    }
}

extension SimulatedPath {
    /// The IP packet around an ICMP message or a datagram of so many octets.
    func packetByteCount(_ messageByteCount: Int) -> Int {
        target.family.headerByteCount + messageByteCount
    }
}
