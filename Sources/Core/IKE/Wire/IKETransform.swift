/// One algorithm of a proposal, RFC 7296 §3.3.2.
public struct IKETransform: Hashable, Sendable, CustomStringConvertible {
    /// What an algorithm is for; any number is taken.
    public struct Kind: RawRepresentable, Hashable, Sendable {
        /// The number on the wire.
        public var rawValue: UInt8

        /// Makes a kind from its number.
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Encryption, with authentication where the cipher has it.
        public static let encryption = Kind(rawValue: 1)
        /// The pseudorandom function.
        public static let pseudorandomFunction = Kind(rawValue: 2)
        /// Integrity, for ciphers that do not authenticate.
        public static let integrity = Kind(rawValue: 3)
        /// The key exchange, once called the Diffie-Hellman group.
        public static let keyExchange = Kind(rawValue: 4)
        /// Sequence numbers of ESP and AH: 32 bits or 64.
        public static let sequenceNumbers = Kind(rawValue: 5)
        /// The first of up to seven further key exchanges, RFC 9370; the others follow by number.
        public static let additionalKeyExchange1 = Kind(rawValue: 6)

        /// Which further key exchange it is, 1...7; nil for the other kinds.
        public var additionalKeyExchange: Int? {
            (6...12).contains(rawValue) ? Int(rawValue) - 5 : nil
        }

        /// Where it stands in a proposal's text: integrity before the PRF.
        var rank: Int {
            switch self {
            case .integrity: 2
            case .pseudorandomFunction: 3
            default: Int(rawValue) + (rawValue > 1 ? 2 : 0)
            }
        }
    }

    /// What it is for.
    public var kind: Kind
    /// Which algorithm of that kind, as IANA numbers them.
    public var number: UInt16
    /// The key length in bits; nil where the algorithm has but one.
    public var keyLength: UInt16?

    /// Makes a transform.
    public init(kind: Kind, number: UInt16, keyLength: UInt16? = nil) {
        self.kind = kind
        self.number = number
        self.keyLength = keyLength
    }

    /// A short name: IANA's without `ENCR_`, `AUTH_` and `PRF_HMAC`, with the key length:
    /// `AES_GCM_16_256`, `PRF_SHA2_256`, `ECP_384`; `ESN` and `NO_ESN`; `KE1_ML_KEM_768`.
    public var description: String {
        switch kind {
        case .encryption:
            let name = Self.encryptionName(number) ?? "ENCR_\(number)"
            guard let keyLength else { return name }
            return "\(name)_\(keyLength)"
        case .pseudorandomFunction: return Self.pseudorandomName(number) ?? "PRF_\(number)"
        case .integrity: return Self.integrityName(number) ?? "INTEG_\(number)"
        case .keyExchange: return IKEGroup(rawValue: number).description
        case .sequenceNumbers:
            switch number {
            case 0: return "NO_ESN"
            case 1: return "ESN"
            default: return "SN_\(number)"
            }
        default:
            guard let index = kind.additionalKeyExchange else {
                return "TRANSFORM_\(kind.rawValue)_\(number)"
            }
            return "KE\(index)_\(IKEGroup(rawValue: number))"
        }
    }

    private static func encryptionName(_ number: UInt16) -> String? {
        switch number {
        case 1: "DES_IV64"
        case 2: "DES"
        case 3: "3DES"
        case 5: "IDEA"
        case 6: "CAST"
        case 7: "BLOWFISH"
        case 11: "NULL"
        case 12: "AES_CBC"
        case 13: "AES_CTR"
        case 14: "AES_CCM_8"
        case 15: "AES_CCM_12"
        case 16: "AES_CCM_16"
        case 18: "AES_GCM_8"
        case 19: "AES_GCM_12"
        case 20: "AES_GCM_16"
        case 21: "NULL_AES_GMAC"
        case 23: "CAMELLIA_CBC"
        case 24: "CAMELLIA_CTR"
        case 25: "CAMELLIA_CCM_8"
        case 26: "CAMELLIA_CCM_12"
        case 27: "CAMELLIA_CCM_16"
        case 28: "CHACHA20_POLY1305"
        case 29: "AES_CCM_8_IIV"
        case 30: "AES_GCM_16_IIV"
        case 31: "CHACHA20_POLY1305_IIV"
        default: nil
        }
    }

    private static func pseudorandomName(_ number: UInt16) -> String? {
        switch number {
        case 1: "PRF_MD5"
        case 2: "PRF_SHA1"
        case 3: "PRF_TIGER"
        case 4: "PRF_AES128_XCBC"
        case 5: "PRF_SHA2_256"
        case 6: "PRF_SHA2_384"
        case 7: "PRF_SHA2_512"
        case 8: "PRF_AES128_CMAC"
        default: nil
        }
    }

    private static func integrityName(_ number: UInt16) -> String? {
        switch number {
        case 0: "NONE"
        case 1: "HMAC_MD5_96"
        case 2: "HMAC_SHA1_96"
        case 3: "DES_MAC"
        case 5: "AES_XCBC_96"
        case 6: "HMAC_MD5_128"
        case 7: "HMAC_SHA1_160"
        case 8: "AES_CMAC_96"
        case 9: "AES_128_GMAC"
        case 10: "AES_192_GMAC"
        case 11: "AES_256_GMAC"
        case 12: "HMAC_SHA2_256_128"
        case 13: "HMAC_SHA2_384_192"
        case 14: "HMAC_SHA2_512_256"
        default: nil
        }
    }
}

/// A method of key exchange as IANA numbers them (transform type 4); any number is taken.
public struct IKEGroup: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    public var rawValue: UInt16

    /// Makes a group from its number.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// A short name, `ECP_384` or `MODP_2048`, or `GROUP_` and the number.
    public var description: String {
        switch rawValue {
        case 0: "NONE"
        case 1: "MODP_768"
        case 2: "MODP_1024"
        case 5: "MODP_1536"
        case 14: "MODP_2048"
        case 15: "MODP_3072"
        case 16: "MODP_4096"
        case 17: "MODP_6144"
        case 18: "MODP_8192"
        case 19: "ECP_256"
        case 20: "ECP_384"
        case 21: "ECP_521"
        case 22: "MODP_1024_160"
        case 23: "MODP_2048_224"
        case 24: "MODP_2048_256"
        case 25: "ECP_192"
        case 26: "ECP_224"
        case 27: "ECP_224_BP"
        case 28: "ECP_256_BP"
        case 29: "ECP_384_BP"
        case 30: "ECP_512_BP"
        case 31: "CURVE_25519"
        case 32: "CURVE_448"
        case 33: "GOST3410_2012_256"
        case 34: "GOST3410_2012_512"
        case 35: "ML_KEM_512"
        case 36: "ML_KEM_768"
        case 37: "ML_KEM_1024"
        default: "GROUP_\(rawValue)"
        }
    }
}
