/// What an IKE message is about; any number is taken, the names are IANA's.
public struct IKEExchangeType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    public var rawValue: UInt8

    /// Makes a type from its number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Algorithms, key exchange and nonces, RFC 7296 §1.2.
    public static let ikeSAInit = IKEExchangeType(rawValue: 34)
    /// Identities, proof of them and the first child SA, RFC 7296 §1.2.
    public static let ikeAuth = IKEExchangeType(rawValue: 35)
    /// Another child SA, or a rekeyed SA of either kind, RFC 7296 §1.3.
    public static let createChildSA = IKEExchangeType(rawValue: 36)
    /// Errors, deletion, liveness, RFC 7296 §1.4.
    public static let informational = IKEExchangeType(rawValue: 37)
    /// Resumption of an IKE SA, RFC 5723.
    public static let ikeSessionResume = IKEExchangeType(rawValue: 38)
    /// What does not fit IKE_SA_INIT, further key exchanges above all, RFC 9242.
    public static let ikeIntermediate = IKEExchangeType(rawValue: 43)
    /// Further key exchanges of a CREATE_CHILD_SA exchange, RFC 9370 §2.2.4.
    public static let ikeFollowupKE = IKEExchangeType(rawValue: 44)

    /// IKEv1's main mode, RFC 2409 §5.
    public static let identityProtection = IKEExchangeType(rawValue: 2)
    /// IKEv1's aggressive mode, RFC 2409 §5.
    public static let aggressive = IKEExchangeType(rawValue: 4)

    /// IANA's name, or the number.
    public var description: String {
        switch rawValue {
        case 2: "IDENTITY_PROTECTION"
        case 4: "AGGRESSIVE"
        case 5: "INFORMATIONAL_V1"
        case 32: "QUICK_MODE"
        case 34: "IKE_SA_INIT"
        case 35: "IKE_AUTH"
        case 36: "CREATE_CHILD_SA"
        case 37: "INFORMATIONAL"
        case 38: "IKE_SESSION_RESUME"
        case 39: "GSA_AUTH"
        case 40: "GSA_REGISTRATION"
        case 41: "GSA_REKEY"
        case 43: "IKE_INTERMEDIATE"
        case 44: "IKE_FOLLOWUP_KE"
        default: "EXCHANGE_\(rawValue)"
        }
    }
}

/// What a payload is; any number is taken, the names are IANA's.
public struct IKEPayloadKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    public var rawValue: UInt8

    /// Makes a kind from its number.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// No further payload.
    public static let none = IKEPayloadKind(rawValue: 0)
    /// Proposals, RFC 7296 §3.3.
    public static let securityAssociation = IKEPayloadKind(rawValue: 33)
    /// A public key, RFC 7296 §3.4.
    public static let keyExchange = IKEPayloadKind(rawValue: 34)
    /// A nonce, RFC 7296 §3.9.
    public static let nonce = IKEPayloadKind(rawValue: 40)
    /// An error or a piece of status, RFC 7296 §3.10.
    public static let notify = IKEPayloadKind(rawValue: 41)
    /// What implementation the sender is, RFC 7296 §3.12.
    public static let vendorID = IKEPayloadKind(rawValue: 43)
    /// Encrypted payloads, RFC 7296 §3.14.
    public static let encrypted = IKEPayloadKind(rawValue: 46)
    /// A fragment of encrypted payloads, RFC 7383 §2.5.
    public static let encryptedFragment = IKEPayloadKind(rawValue: 53)

    /// The notation of RFC 7296 §1.2, or the number.
    public var description: String {
        switch rawValue {
        case 0: "-"
        case 33: "SA"
        case 34: "KE"
        case 35: "IDi"
        case 36: "IDr"
        case 37: "CERT"
        case 38: "CERTREQ"
        case 39: "AUTH"
        case 40: "Nonce"
        case 41: "N"
        case 42: "D"
        case 43: "V"
        case 44: "TSi"
        case 45: "TSr"
        case 46: "SK"
        case 47: "CP"
        case 48: "EAP"
        case 53: "SKF"
        case 54: "PS"
        default: "PAYLOAD_\(rawValue)"
        }
    }
}
