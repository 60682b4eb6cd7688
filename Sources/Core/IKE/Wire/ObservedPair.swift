import NetworkPrimitives

/// What is known of two hosts' IKE apart from single SAs.
struct ObservedPair: Sendable {
    /// The report as far as it needs no look at SAs.
    var report = IKEWireReport()
    /// Whether the pair is one of the hosts that are of interest, and not to be forgotten.
    let isWanted: Bool

    init(local: IPAddress, remote: IPAddress, isLocalKnown: Bool, isWanted: Bool) {
        report.local = local
        report.remote = remote
        report.isLocalKnown = isLocalKnown
        self.isWanted = isWanted
    }

    /// Which way a packet from `source` goes.
    func direction(from source: IPAddress) -> TrafficDirection {
        source == report.local ? .outbound : .inbound
    }

    /// Notes what an IKE_SA_INIT message says of its sender.
    mutating func note(
        _ message: IKEMessage, _ direction: TrafficDirection, nat: NATDetection
    ) {
        if !message.vendorIDs.isEmpty {
            report.vendors[direction] = message.vendorIDs.map(IKEVendor.name)
        }
        // A refusal alone says nothing of what its sender can do.
        let names = message.notifies.filter { !$0.kind.isError && !Self.isPassing($0.kind) }
            .map(\.kind.description)
        if !names.isEmpty { report.notifies[direction] = Array(names.prefix(16)) }
        if let gateway = message.notify(.redirect)?.redirectGateway {
            report.redirectedTo = gateway
        }
        switch direction {
        case .outbound:
            if let isTrue = nat.isSourceUnchanged { report.natPretended = !isTrue }
        case .inbound:
            if let isTrue = nat.isSourceUnchanged { report.natRemote = !isTrue }
            if let isTrue = nat.isDestinationUnchanged { report.natLocal = !isTrue }
        }
    }

    /// Whether a notify is about one exchange and not about its sender.
    private static func isPassing(_ kind: IKENotifyKind) -> Bool {
        switch kind {
        case .natDetectionSourceIP, .natDetectionDestinationIP, .cookie, .redirect,
            .redirectedFrom:
            true
        default: false
        }
    }
}

/// Implementations by the vendor IDs they send.
enum IKEVendor {
    private static let known: [(prefix: [UInt8], name: String)] = [
        ([0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc, 0x22, 0x51, 0x61, 0x3b], "strongSwan"),
        ([0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85], "FRAGMENTATION"),
        ([0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d], "Windows"),
        ([0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9], "DPD"),
        ([0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12], "XAUTH"),
        ([0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9], "Cisco Unity"),
    ]

    /// A vendor ID's implementation, its text where it is printable, or its octets in hexadecimal.
    static func name(_ octets: [UInt8]) -> String {
        if let known = known.first(where: { octets.starts(with: $0.prefix) }) { return known.name }
        if !octets.isEmpty, octets.allSatisfy({ (0x20...0x7e).contains($0) }) {
            return String(decoding: octets, as: UTF8.self)
        }
        return octets.map { octet in
            String(octet >> 4, radix: 16) + String(octet & 15, radix: 16)
        }.joined()
    }
}
