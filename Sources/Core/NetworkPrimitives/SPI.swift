/// A Security Parameters Index: what a receiver finds an SA by.
///
/// RFC 4301 §4.1.
public struct SPI: Hashable, Sendable, RawRepresentable {
    /// The number in host order; 0 is never on the wire, 1...255 are reserved (RFC 4303 §2.1).
    public let rawValue: UInt32

    /// Makes an SPI from its number in host order.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }
}

extension SPI: CustomStringConvertible {
    /// Eight hexadecimal digits, like `0xc0de0001`.
    public var description: String {
        let digits = String(rawValue, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}
