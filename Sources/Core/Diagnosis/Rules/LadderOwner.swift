import NetworkPrimitives

extension ReplyPathFacts.Ladder {
    /// Whether where they die is this side's own: this host or the first hop, unless that is a public router
    /// of another network.
    func isOwn(_ identity: TunnelIdentity) -> Bool {
        switch place {
        case .thisHost: return true
        case .firstHop: return !isForeign(identity)
        // Several hops are likely, of different owners: the likeliest decides.
        case nil: return afterHop.map { $0 == 0 || $0 == 1 && !isForeign(identity) } ?? false
        case .transit, .providerEdge: return false
        }
    }

    private func isForeign(_ identity: TunnelIdentity) -> Bool {
        guard let router = firstRouter ?? afterAddress, let local = identity.local,
            router.family == local.family, router.isPublic
        else { return false }
        switch (router, local) {
        case (.v4(let left), .v4(let right)): return left >> 8 != right >> 8
        case (.v6(let left), .v6(let right)): return left >> 64 != right >> 64
        default: return false
        }
    }
}

extension IPAddress {
    /// Whether it is of the public Internet: none of the ranges of RFC 6890 that are not global.
    var isPublic: Bool {
        switch self {
        case .v4(let value):
            let ranges: [(UInt32, UInt32)] = [
                (0x0a00_0000, 8), (0xac10_0000, 12), (0xc0a8_0000, 16), (0x6440_0000, 10),
                (0xa9fe_0000, 16), (0x7f00_0000, 8), (0x0000_0000, 8),
            ]
            return !ranges.contains { value >> (32 - $0.1) == $0.0 >> (32 - $0.1) }
        case .v6(let value):
            // 2000::/3 is all that is given out.
            return value >> 125 == 1
        }
    }
}
