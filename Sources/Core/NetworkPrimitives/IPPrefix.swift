/// A block of addresses: an address and how many of its leading bits are fixed.
public struct IPPrefix: Hashable, Sendable {
    /// The first address of the block; bits after `length` are zero.
    public let network: IPAddress
    /// The number of fixed leading bits, 0...32 or 0...128.
    public let length: Int

    /// Makes the block of `length` leading bits that holds `address`.
    ///
    /// - Precondition: `length` is within the family's address width.
    public init(_ address: IPAddress, length: Int) {
        precondition((0...address.family.bitWidth).contains(length), "prefix length \(length)")
        self.length = length
        switch address {
        case .v4(let bits): network = .v4(length == 0 ? 0 : bits & (.max << (32 - length)))
        case .v6(let bits): network = .v6(length == 0 ? 0 : bits & (.max << (128 - length)))
        }
    }

    /// Whether `address` lies in the block; false across families.
    public func contains(_ address: IPAddress) -> Bool {
        address.family == network.family && IPPrefix(address, length: length).network == network
    }

    /// The first address a host can have.
    ///
    /// The network address itself in a /31, /32, /127 or /128 (RFC 3021, RFC 6164), the one after
    /// it elsewhere.
    public var firstHost: IPAddress {
        guard length < network.family.bitWidth - 1 else { return network }
        return switch network {
        case .v4(let bits): .v4(bits + 1)
        case .v6(let bits): .v6(bits + 1)
        }
    }

    /// The other host of a point-to-point block: the second address of a /31 or /127, the other
    /// usable one of a /30; nil for every other length.
    public func otherHost(than address: IPAddress) -> IPAddress? {
        guard contains(address) else { return nil }
        let hostBits = network.family.bitWidth - length
        return switch (address, hostBits) {
        case (.v4(let bits), 1): .v4(bits ^ 1)
        case (.v6(let bits), 1): .v6(bits ^ 1)
        case (.v4(let bits), 2) where bits & 3 == 1 || bits & 3 == 2: .v4(bits ^ 3)
        default: nil
        }
    }
}

extension IPPrefix: CustomStringConvertible, LosslessStringConvertible {
    /// Reads `address/length`; nil for anything else: host bits, a sign or a leading zero included.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])),
            let length = Int(parts[1]), (0...address.family.bitWidth).contains(length),
            // Int reads "+8", "-0" and "08" too.
            String(length) == parts[1]
        else { return nil }
        let prefix = IPPrefix(address, length: length)
        guard prefix.network == address else { return nil }
        self = prefix
    }

    /// `address/length`.
    public var description: String { "\(network)/\(length)" }
}
