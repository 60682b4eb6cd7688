/// One proposal of a Security Association payload, RFC 7296 §3.3.1.
public struct IKEProposal: Hashable, Sendable, CustomStringConvertible {
    /// What a proposal is for.
    public enum SecurityProtocol: Hashable, Sendable {
        /// The IKE SA itself.
        case ike
        /// AH, RFC 4302.
        case ah
        /// ESP, RFC 4303.
        case esp
        /// A number without a meaning here.
        case other(UInt8)

        /// The protocol of a number on the wire.
        public init(number: UInt8) {
            switch number {
            case 1: self = .ike
            case 2: self = .ah
            case 3: self = .esp
            default: self = .other(number)
            }
        }

        /// The number on the wire.
        public var number: UInt8 {
            switch self {
            case .ike: 1
            case .ah: 2
            case .esp: 3
            case .other(let number): number
            }
        }
    }

    /// Its number; the first is 1, and the answer repeats that of the one chosen.
    public var number: UInt8
    /// What it is for.
    public var securityProtocol: SecurityProtocol
    /// The sender's SPI: empty in IKE_SA_INIT.
    public var spi: [UInt8]
    /// The transforms in the order in which they came.
    public var transforms: [IKETransform]

    /// Makes a proposal.
    public init(
        number: UInt8, securityProtocol: SecurityProtocol = .ike, spi: [UInt8] = [],
        transforms: [IKETransform]
    ) {
        self.number = number
        self.securityProtocol = securityProtocol
        self.spi = spi
        self.transforms = transforms
    }

    /// Its transforms of one kind.
    public func transforms(of kind: IKETransform.Kind) -> [IKETransform] {
        transforms.filter { $0.kind == kind }
    }

    /// Encryption, integrity, PRF, key exchange and the rest, with slashes between:
    /// `AES_GCM_16_256/PRF_SHA2_256/ECP_384`.
    public var description: String {
        let order = transforms.enumerated().sorted {
            ($0.element.kind.rank, $0.offset) < ($1.element.kind.rank, $1.offset)
        }
        return order.map(\.element.description).joined(separator: "/")
    }
}
