public import NetworkPrimitives

/// Which packets a live capture takes: the expression that libpcap compiles for the kernel.
///
/// A filter is only there to spare work: whoever reads the packets decides for himself what each one
/// is. So where a precise program would not fit into the kernel, a coarser one does as well.
///
/// IPv6: the kernel's filters have no loop that could follow a chain of extension headers (libpcap's
/// `protochain` runs outside the kernel alone), so every packet of an endpoint is taken whose first
/// header is an extension header or a fragment header, besides those whose first header is ESP or UDP.
public struct CaptureFilter: Hashable, Sendable {
    /// A kind of traffic.
    public enum Traffic: CaseIterable, Hashable, Sendable {
        /// ESP, bare and in UDP on port 4500, and all fragments of either.
        case esp
        /// IKE: UDP on port 500, and on port 4500 what is no ESP: IKE messages and keepalives
        /// (RFC 7296 §2, RFC 3948 §2).
        case ike
        /// ICMP and ICMPv6.
        case icmp
        /// Echo Requests and Echo Replies of ICMP and ICMPv6.
        case echo
        /// TCP segments with SYN (RFC 9293 §3.1).
        case openingSegments
        /// Packet Too Big, and IPv4's "fragmentation needed" (RFC 4443 §3.2, RFC 1191).
        case packetTooBig
    }

    /// The kinds of traffic that are wanted.
    public var traffic: Set<Traffic>
    /// Whose: packets to and from these addresses.
    public var endpoints: Set<IPAddress>
    /// Whose Echo Requests and Echo Replies are wanted of `.icmp`, as either end; nil for everyone's.
    ///
    /// A host that is probed or probes much has many, and who waits for some is woken by all.
    public var echoPeers: Set<IPAddress>?
    /// Whether packets of all addresses are wanted, whatever `endpoints` holds.
    public var isForAnyone = false
    /// Which way, by what the kernel says of a packet, since not every link header tells; nil for both.
    ///
    /// No part of the expression: libpcap looks at it packet by packet in this process. Its `inbound`
    /// could be tested in the kernel, but loses what comes before the ring's first block is read, which
    /// libpcap filters again by itself and without knowing the direction.
    public var direction: TrafficDirection?
    /// Whether tags that the kernel leaves on frames are looked behind: the second of two VLAN tags,
    /// tags on a mirror port, PPPoE.
    public var looksBehindTags: Bool

    /// Makes a filter.
    public init(
        traffic: Set<Traffic> = [.esp], endpoints: Set<IPAddress>, looksBehindTags: Bool = false
    ) {
        self.traffic = traffic
        self.endpoints = endpoints
        self.looksBehindTags = looksBehindTags
    }

    /// Makes a filter for one direction of everybody's packets.
    public init(everybodys traffic: Set<Traffic>, _ direction: TrafficDirection) {
        self.init(traffic: traffic, endpoints: [])
        isForAnyone = true
        self.direction = direction
    }

    /// How much of the filter an expression holds, the most precise first.
    public enum Precision: CaseIterable, Hashable, Sendable {
        /// Traffic of the endpoints; behind tags, of anyone.
        case endpoints
        /// Traffic of anyone.
        case anyone
    }

    /// The expression in pcap-filter(7)'s language.
    ///
    /// - Parameters:
    ///   - precision: how much of the filter it is to hold.
    ///   - isEthernet: whether frames begin with an Ethernet header; elsewhere there are no tags.
    /// - Returns: the expression; one that nothing matches where nothing is wanted.
    public func expression(
        _ precision: Precision = .endpoints, isEthernet: Bool = true
    ) -> String {
        let anyone = packets(of: nil)
        let precise = precision == .anyone || isForAnyone ? anyone : packets(of: endpoints)
        guard looksBehindTags, isEthernet, precise != Self.nothing else { return precise }
        // Each `vlan` shifts what follows by a tag, for the rest of the expression: the first one
        // looks behind one tag, the second behind two. In a live capture libpcap makes it find the
        // tag that the kernel took off as well. Endpoints are left out there: libpcap's optimizer
        // takes minutes over three copies of a thousand.
        return [
            precise, Self.sessionPackets(traffic), "vlan and (\(anyone))", "vlan and (\(anyone))",
        ]
        .map { "(\($0))" }.joined(separator: " or ")
    }

    /// The fewest instructions that an expression can compile to: it compares two addresses of each
    /// packet with each endpoint.
    ///
    /// libpcap takes seconds to find out what does not fit by far.
    func leastInstructionCount(_ precision: Precision) -> Int {
        precision == .endpoints && !isForAnyone ? 2 * endpoints.count : 0
    }

    /// An expression that no packet matches: none has fewer than two octets.
    private static let nothing = "less 1"

    private func packets(of addresses: Set<IPAddress>?) -> String {
        guard !traffic.isEmpty else { return Self.nothing }
        let parts = [IPAddress.Family.v4, .v6].compactMap { family -> String? in
            let kinds = kinds(family)
            let name = family == .v4 ? "ip" : "ip6"
            guard let addresses else { return "(\(name) and (\(kinds)))" }
            guard let ends = Self.ends(addresses, family) else { return nil }
            return "(\(name) and (\(kinds)) and \(ends))"
        }
        return parts.isEmpty ? Self.nothing : parts.joined(separator: " or ")
    }

    /// Packets with one of the addresses as source or destination; nil where none is of the family.
    private static func ends(_ addresses: Set<IPAddress>, _ family: IPAddress.Family) -> String? {
        // Sorted, so that equal filters are equal texts.
        let hosts = addresses.filter { $0.family == family }.map(\.description).sorted()
        guard !hosts.isEmpty else { return nil }
        let list = hosts.joined(separator: " or ")
        // Not `host`: that would load both addresses of the packet once for each endpoint.
        return "(src host (\(list)) or dst host (\(list)))"
    }

    private func kinds(_ family: IPAddress.Family) -> String {
        let wantsESP = traffic.contains(.esp)
        let wantsUDP = wantsESP || traffic.contains(.ike)
        var kinds: [String] = []
        switch family {
        case .v4:
            if traffic.contains(.esp) { kinds.append("ip[9] = 50") }
            if wantsUDP {
                // A single octet, or four zero octets where ESP has its SPI: in this order, for a
                // load beyond the end refuses the packet.
                kinds.append(
                    wantsESP
                        ? "udp port 4500"
                        : "(udp port 4500 and (udp[4:2] = 9 or udp[8:4] = 0))")
                // Later fragments have no ports.
                kinds.append("(ip[9] = 17 and ip[6:2] & 0x1fff != 0)")
            }
            if traffic.contains(.ike) { kinds.append("udp port 500") }
            if traffic.contains(.icmp) {
                kinds.append(messages("ip[9] = 1", .v4, noEcho: "(icmp[0] != 0 and icmp[0] != 8)"))
            }
            if traffic.contains(.echo) { kinds.append("icmp[0] = 0 or icmp[0] = 8") }
            if traffic.contains(.openingSegments) { kinds.append("tcp[13] & 2 != 0") }
            if traffic.contains(.packetTooBig) { kinds.append("icmp[0:2] = 0x0304") }
        case .v6:
            if traffic.contains(.esp) { kinds.append("ip6[6] = 50") }
            if wantsUDP {
                kinds.append(
                    wantsESP
                        ? "udp port 4500"
                        : "(udp port 4500 and (ip6[44:2] = 9 or ip6[48:4] = 0))")
            }
            if traffic.contains(.ike) { kinds.append("udp port 500") }
            if traffic.contains(.icmp) {
                kinds.append(
                    messages("ip6[6] = 58", .v6, noEcho: "(ip6[40] != 128 and ip6[40] != 129)"))
            }
            // By their place behind an IPv6 header without extensions: nobody sends these with any.
            if traffic.contains(.echo) {
                kinds.append("(ip6[6] = 58 and (ip6[40] = 128 or ip6[40] = 129))")
            }
            if traffic.contains(.openingSegments) {
                kinds.append("(ip6[6] = 6 and ip6[53] & 2 != 0)")
            }
            if traffic.contains(.packetTooBig) {
                kinds.append("(ip6[6] = 58 and ip6[40] = 2)")
            }
            guard wantsUDP || traffic.contains(.icmp) else { break }
            // Hop-by-hop options, routing, fragment, destination options (RFC 8200 §4.1).
            kinds += [0, 43, 44, 60].map { "ip6[6] = \($0)" }
        }
        return kinds.joined(separator: " or ")
    }

    /// ICMP messages, those that are Echo Requests or Echo Replies only of `echoPeers`.
    private func messages(
        _ anything: String, _ family: IPAddress.Family, noEcho: String
    ) -> String {
        guard let echoPeers else { return anything }
        let wanted = [Self.ends(echoPeers, family), noEcho].compactMap(\.self)
        return "(\(anything) and (\(wanted.joined(separator: " or "))))"
    }

    /// Packets in a PPPoE session (RFC 2516 §4), of any endpoint, by their places in an Ethernet frame.
    ///
    /// Not libpcap's `pppoes`, which would shift the rest of the expression too.
    private static func sessionPackets(_ traffic: Set<Traffic>) -> String {
        // After 14 octets of Ethernet and 6 of PPPoE stands the PPP protocol, then IP.
        let wantsUDP = traffic.contains(.esp) || traffic.contains(.ike)
        var v4: [String] = []
        var v6 = ["ether[28] = 0", "ether[28] = 43", "ether[28] = 44", "ether[28] = 60"]
        if traffic.contains(.esp) {
            v4.append("ether[31] = 50")
            v6.append("ether[28] = 50")
        }
        if wantsUDP {
            v4.append("ether[31] = 17")
            v6.append("ether[28] = 17")
        }
        if !traffic.isDisjoint(with: [.icmp, .echo, .packetTooBig]) {
            v4.append("ether[31] = 1")
            v6.append("ether[28] = 58")
        }
        if traffic.contains(.openingSegments) {
            v4.append("ether[31] = 6")
            v6.append("ether[28] = 6")
        }
        return
            "ether[12:2] = 0x8864 and (ether[20:2] = 0x0021 and (\(v4.joined(separator: " or "))) "
            + "or ether[20:2] = 0x0057 and (\(v6.joined(separator: " or "))))"
    }
}
