import NetworkPrimitives

@testable import Agent

/// Frames as the inside of a tunnel shows them.
enum InsideFrame {
    /// An IP packet without a link header, from one address to another.
    static func packet(
        _ source: String, _ destination: String, _ number: UInt8, _ payload: [UInt8],
        hopLimit: UInt8 = 64
    ) -> [UInt8] {
        let (source, destination) = (ip(source), ip(destination))
        var octets: [UInt8]
        switch source.family {
        case .v4:
            octets = [0x45, 0]
            octets.append(bigEndian: UInt16(20 + payload.count))
            octets += [0, 0, 0x40, 0, hopLimit, number, 0, 0]
        case .v6:
            octets = [0x60, 0, 0, 0]
            octets.append(bigEndian: UInt16(payload.count))
            octets += [number, hopLimit]
        }
        return octets + source.octets + destination.octets + payload
    }

    /// An echo message: type 8 or 0, or 128 or 129.
    static func echo(
        _ source: String, _ destination: String, isReply: Bool, identifier: UInt16,
        sequence: UInt16 = 0, payload: [UInt8] = [1, 2, 3, 4], hopLimit: UInt8 = 64
    ) -> [UInt8] {
        let isV4 = ip(source).family == .v4
        var message: [UInt8] = [isV4 ? (isReply ? 0 : 8) : (isReply ? 129 : 128), 0, 0, 0]
        message.append(bigEndian: identifier)
        message.append(bigEndian: sequence)
        return packet(source, destination, isV4 ? 1 : 58, message + payload, hopLimit: hopLimit)
    }

    /// A SYN with an MSS.
    static func segment(
        _ source: String, _ destination: String, size: UInt16, flags: UInt8 = 2
    ) -> [UInt8] {
        let segment: [UInt8] =
            [0xc3, 0x50, 1, 0xbb] + [UInt8](repeating: 0, count: 8) + [0x60, flags]
            + [0, 0, 0, 0, 0, 0, 2, 4, UInt8(size >> 8), UInt8(size & 255)]
        return packet(source, destination, 6, segment)
    }

    /// An Ethernet frame around an IPv4 packet.
    static func ethernet(_ packet: [UInt8]) -> [UInt8] {
        [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0] + packet
    }
}

extension TunnelPlan {
    /// A tunnel with a device, as its inside is captured.
    static func inside(
        _ name: String = "cf-1", device: String? = "xfrm1", wan: String? = "wan0",
        remote: String = "198.51.100.1"
    ) -> TunnelPlan {
        var plan = made(
            name, outside: ip(remote), inside: ip("10.253.0.1"), device: device)
        plan.local = ip("203.0.113.10")
        plan.wanInterface = wan
        return plan
    }
}
