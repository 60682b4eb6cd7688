public import NetworkPrimitives
import PacketFormats

/// What routers said about outer packets of a tunnel that did not fit.
///
/// Anybody can send such a message. One counts as valid when it quotes both outer addresses and an SPI
/// that is known to leave here, and when its MTU is one that a router may have: below the packet it
/// quotes, and not below 552 octets (IPv4, where Linux too stops believing) or 1280 (IPv6, RFC 8200 §5).
/// A sender of forged ones has to see the tunnel's packets.
public struct PacketTooBigRecord: Hashable, Sendable {
    /// A valid message.
    public struct Message: Hashable, Sendable {
        /// The address of the router that sent it.
        public var router: IPAddress
        /// The MTU of the link behind it, in octets; nil where the router does not say (before RFC 1191).
        public var mtu: Int?
        /// The length of the outer packet that did not fit, in octets.
        public var packetLength: Int
        /// When it arrived.
        public var at: MonotonicInstant
    }

    /// Valid messages.
    public internal(set) var seen: UInt64 = 0
    /// Messages about this tunnel that contradict what was sent, and were not believed.
    public internal(set) var suspicious: UInt64 = 0
    /// The latest valid one.
    public internal(set) var latest: Message?
    /// The least MTU of a valid one, in octets.
    public internal(set) var leastMTU: Int?

    init() {}

    /// The least MTU that is believed, in octets.
    static func leastBelieved(_ family: IPAddress.Family) -> Int { family == .v4 ? 552 : 1280 }

    /// Takes in a message about a packet with the tunnel's outer addresses.
    ///
    /// - Returns: whether it is valid, and new: another MTU or another router than the latest.
    mutating func note(
        _ message: PacketTooBig, from router: IPAddress, isKnownSPI: Bool, at now: MonotonicInstant
    ) -> Bool {
        let quote = message.quote
        // Of ESP in UDP some routers quote the ports alone.
        let isOurs = quote.spi == nil ? quote.encapsulation == .udp : isKnownSPI
        let isPlausible =
            message.mtu == 0
            || message.mtu >= Self.leastBelieved(quote.source.family) && message.mtu < quote.length
        guard isOurs, isPlausible else {
            suspicious &+= 1
            return false
        }
        seen &+= 1
        let mtu = message.mtu == 0 ? nil : message.mtu
        let isNew = latest?.mtu != mtu || latest?.router != router
        latest = Message(router: router, mtu: mtu, packetLength: quote.length, at: now)
        if let mtu { leastMTU = min(mtu, leastMTU ?? mtu) }
        return isNew
    }
}
