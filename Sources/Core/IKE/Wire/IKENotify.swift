import NetworkPrimitives

/// One Notify payload that came in the clear, RFC 7296 §3.10.
public struct IKENotify: Hashable, Sendable {
    /// The most octets of its data that are kept.
    public static let maximumContent = 512

    /// What it says.
    public var kind: IKENotifyKind
    /// The SA's protocol that it is about, 0 for none.
    public var protocolNumber: UInt8
    /// The SPI that it is about; mostly empty.
    public var spi: [UInt8]
    /// Its data, up to `maximumContent` octets.
    public var content: [UInt8]

    /// Makes a notify.
    public init(
        kind: IKENotifyKind, protocolNumber: UInt8 = 0, spi: [UInt8] = [], content: [UInt8] = []
    ) {
        self.kind = kind
        self.protocolNumber = protocolNumber
        self.spi = spi
        self.content = content
    }

    /// The group that the peer wants instead, of INVALID_KE_PAYLOAD (RFC 7296 §1.3); else nil.
    public var wantedGroup: IKEGroup? {
        guard kind == .invalidKEPayload, content.count == 2 else { return nil }
        return IKEGroup(rawValue: UInt16(content[0]) << 8 | UInt16(content[1]))
    }

    /// The version that the peer can do, of INVALID_MAJOR_VERSION where it says so; else nil.
    public var supportedMajorVersion: UInt8? {
        guard kind == .invalidMajorVersion, let first = content.first else { return nil }
        // One octet: the highest version, major and minor as in the header (RFC 7296 §2.5).
        return first >> 4 == 0 ? first : first >> 4
    }

    /// The hash functions of SIGNATURE_HASH_ALGORITHMS by name (RFC 7427 §4); else empty.
    public var signatureHashes: [String] {
        guard kind == .signatureHashAlgorithms else { return [] }
        return stride(from: 0, to: content.count - 1, by: 2).map {
            let number = Int(content[$0]) << 8 | Int(content[$0 + 1])
            return switch number {
            case 1: "SHA1"
            case 2: "SHA2_256"
            case 3: "SHA2_384"
            case 4: "SHA2_512"
            case 5: "IDENTITY"
            default: "HASH_\(number)"
            }
        }
    }

    /// The gateway to go to, of REDIRECT (RFC 5685 §7.2): an address or a printable name; else nil.
    public var redirectGateway: String? {
        guard kind == .redirect || kind == .redirectedFrom, content.count >= 2 else { return nil }
        let identity = content.dropFirst(2).prefix(Int(content[1]))
        switch (content[0], identity.count) {
        case (1, 4), (2, 16): return IPAddress(octets: identity)?.description
        case (3, 1...):
            guard identity.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
            return String(decoding: identity, as: UTF8.self)
        default: return nil
        }
    }
}

/// What a notify says; any number is taken, the names are IANA's.
public struct IKENotifyKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire: errors are under 16384.
    public var rawValue: UInt16

    /// Makes a kind from its number.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Whether it is an error, RFC 7296 §3.10.1.
    public var isError: Bool { rawValue < 16384 }

    /// The peer knows no such IKE SA.
    public static let invalidIKESPI = IKENotifyKind(rawValue: 4)
    /// The peer does not speak this version.
    public static let invalidMajorVersion = IKENotifyKind(rawValue: 5)
    /// The message contradicts itself.
    public static let invalidSyntax = IKENotifyKind(rawValue: 7)
    /// None of the proposals suits.
    public static let noProposalChosen = IKENotifyKind(rawValue: 14)
    /// Another group is wanted.
    public static let invalidKEPayload = IKENotifyKind(rawValue: 17)
    /// The proof of identity failed.
    public static let authenticationFailed = IKENotifyKind(rawValue: 24)
    /// Try later, RFC 7296 §2.25.
    public static let temporaryFailure = IKENotifyKind(rawValue: 43)
    /// A hash of the sender's own address and port.
    public static let natDetectionSourceIP = IKENotifyKind(rawValue: 16388)
    /// A hash of the receiver's address and port.
    public static let natDetectionDestinationIP = IKENotifyKind(rawValue: 16389)
    /// Say it again with this cookie, RFC 7296 §2.6.
    public static let cookie = IKENotifyKind(rawValue: 16390)
    /// Redirection is understood, RFC 5685.
    public static let redirectSupported = IKENotifyKind(rawValue: 16406)
    /// Go to another gateway, RFC 5685.
    public static let redirect = IKENotifyKind(rawValue: 16407)
    /// Sent here by another gateway, RFC 5685.
    public static let redirectedFrom = IKENotifyKind(rawValue: 16408)
    /// IKE fragmentation is understood, RFC 7383.
    public static let fragmentationSupported = IKENotifyKind(rawValue: 16430)
    /// The hash functions for signatures, RFC 7427.
    public static let signatureHashAlgorithms = IKENotifyKind(rawValue: 16431)
    /// IKE_INTERMEDIATE is understood, RFC 9242.
    public static let intermediateExchangeSupported = IKENotifyKind(rawValue: 16438)

    /// IANA's name, or the number.
    public var description: String { Self.names[rawValue] ?? "NOTIFY_\(rawValue)" }

    private static let names: [UInt16: String] = [
        1: "UNSUPPORTED_CRITICAL_PAYLOAD", 4: "INVALID_IKE_SPI", 5: "INVALID_MAJOR_VERSION",
        7: "INVALID_SYNTAX", 9: "INVALID_MESSAGE_ID", 11: "INVALID_SPI", 14: "NO_PROPOSAL_CHOSEN",
        17: "INVALID_KE_PAYLOAD", 24: "AUTHENTICATION_FAILED", 34: "SINGLE_PAIR_REQUIRED",
        35: "NO_ADDITIONAL_SAS", 36: "INTERNAL_ADDRESS_FAILURE", 37: "FAILED_CP_REQUIRED",
        38: "TS_UNACCEPTABLE", 39: "INVALID_SELECTORS", 40: "UNACCEPTABLE_ADDRESSES",
        41: "UNEXPECTED_NAT_DETECTED", 42: "USE_ASSIGNED_HOA", 43: "TEMPORARY_FAILURE",
        44: "CHILD_SA_NOT_FOUND", 45: "INVALID_GROUP_ID", 46: "AUTHORIZATION_FAILED",
        47: "STATE_NOT_FOUND", 48: "TS_MAX_QUEUE",
        16384: "INITIAL_CONTACT", 16385: "SET_WINDOW_SIZE", 16386: "ADDITIONAL_TS_POSSIBLE",
        16387: "IPCOMP_SUPPORTED", 16388: "NAT_DETECTION_SOURCE_IP",
        16389: "NAT_DETECTION_DESTINATION_IP", 16390: "COOKIE", 16391: "USE_TRANSPORT_MODE",
        16392: "HTTP_CERT_LOOKUP_SUPPORTED", 16393: "REKEY_SA",
        16394: "ESP_TFC_PADDING_NOT_SUPPORTED", 16395: "NON_FIRST_FRAGMENTS_ALSO",
        16396: "MOBIKE_SUPPORTED", 16397: "ADDITIONAL_IP4_ADDRESS",
        16398: "ADDITIONAL_IP6_ADDRESS", 16399: "NO_ADDITIONAL_ADDRESSES",
        16400: "UPDATE_SA_ADDRESSES", 16401: "COOKIE2", 16402: "NO_NATS_ALLOWED",
        16403: "AUTH_LIFETIME", 16404: "MULTIPLE_AUTH_SUPPORTED", 16405: "ANOTHER_AUTH_FOLLOWS",
        16406: "REDIRECT_SUPPORTED", 16407: "REDIRECT", 16408: "REDIRECTED_FROM",
        16409: "TICKET_LT_OPAQUE", 16410: "TICKET_REQUEST", 16411: "TICKET_ACK",
        16412: "TICKET_NACK", 16413: "TICKET_OPAQUE", 16414: "LINK_ID",
        16415: "USE_WESP_MODE", 16416: "ROHC_SUPPORTED", 16417: "EAP_ONLY_AUTHENTICATION",
        16418: "CHILDLESS_IKEV2_SUPPORTED", 16419: "QUICK_CRASH_DETECTION",
        16420: "IKEV2_MESSAGE_ID_SYNC_SUPPORTED", 16421: "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED",
        16422: "IKEV2_MESSAGE_ID_SYNC", 16423: "IPSEC_REPLAY_COUNTER_SYNC",
        16424: "SECURE_PASSWORD_METHODS", 16425: "PSK_PERSIST", 16426: "PSK_CONFIRM",
        16427: "ERX_SUPPORTED", 16428: "IFOM_CAPABILITY", 16429: "SENDER_REQUEST_ID",
        16430: "IKEV2_FRAGMENTATION_SUPPORTED", 16431: "SIGNATURE_HASH_ALGORITHMS",
        16432: "CLONE_IKE_SA_SUPPORTED", 16433: "CLONE_IKE_SA", 16434: "PUZZLE",
        16435: "USE_PPK", 16436: "PPK_IDENTITY", 16437: "NO_PPK_AUTH",
        16438: "INTERMEDIATE_EXCHANGE_SUPPORTED", 16439: "IP4_ALLOWED", 16440: "IP6_ALLOWED",
        16441: "ADDITIONAL_KEY_EXCHANGE", 16442: "USE_AGGFRAG",
        16443: "SUPPORTED_AUTH_METHODS",
    ]
}
