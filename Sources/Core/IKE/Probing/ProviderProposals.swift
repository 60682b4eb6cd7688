/// What the provider takes for an IKE SA, as its reference page of GRE and IPsec tunnels lists it.
///
/// Source: Cloudflare, "GRE and IPsec tunnels", section "Supported configuration parameters", as of
/// mid-2026 (developers.cloudflare.com/cloudflare-wan/reference/gre-ipsec-tunnels/). Its page of
/// troubleshooting ("Troubleshoot tunnel health") names the groups 15, 16 and 19 too: they stand
/// last, since a list that misses one would call a working peer a refusing one. The hybrid groups
/// with ML-KEM are left out: they need further exchanges that a probe does not make.
public enum ProviderProposals {
    /// When the pages were read.
    public static let date = "2026-11"

    /// The groups, the recommended one first.
    public static let groups: [IKEGroup] = [20, 14, 5, 19, 15, 16].map(IKEGroup.init(rawValue:))

    /// The first offer: all of the above.
    public static let supported = [
        // RFC 7296 §3.3: ciphers that authenticate and those that do not are separate proposals.
        IKEProposal(
            number: 1,
            transforms: [.aesGCM(256), .aesGCM(128)] + pseudorandomFunctions + keyExchanges(groups)),
        IKEProposal(
            number: 2,
            transforms: [.aesCBC(256), .integrity(12)] + pseudorandomFunctions
                + keyExchanges(groups)),
    ]

    /// What the provider does not list, and other peers use: the second offer, made once after the
    /// first was refused, to learn what the peer does accept.
    public static let others = [
        IKEProposal(
            number: 1,
            transforms: [.aesGCM(256), .aesGCM(192), .aesGCM(128), .chaCha20]
                + allPseudorandomFunctions + keyExchanges(otherGroups)),
        IKEProposal(
            number: 2,
            transforms: [.aesCBC(256), .aesCBC(192), .aesCBC(128), .tripleDES]
                + [12, 13, 14, 2].map(IKETransform.integrity) + allPseudorandomFunctions
                + keyExchanges(otherGroups)),
    ]

    /// The groups of the second offer.
    static let otherGroups: [IKEGroup] = [2, 14, 5, 19, 20, 15, 16, 21, 31, 17, 18, 22, 23, 24]
        .map(IKEGroup.init(rawValue:))

    /// The group of the second offer's public value.
    static let otherOfferGroup = IKEGroup(rawValue: 14)

    /// SHA2-256, SHA2-384, SHA2-512.
    private static let pseudorandomFunctions = [5, 6, 7].map(IKETransform.pseudorandomFunction)
    /// The same, and SHA-1.
    private static let allPseudorandomFunctions = [5, 6, 7, 2]
        .map(IKETransform.pseudorandomFunction)

    private static func keyExchanges(_ groups: [IKEGroup]) -> [IKETransform] {
        groups.map { IKETransform(kind: .keyExchange, number: $0.rawValue) }
    }
}

extension IKETransform {
    fileprivate static func aesGCM(_ bits: UInt16) -> IKETransform {
        IKETransform(kind: .encryption, number: 20, keyLength: bits)
    }

    fileprivate static func aesCBC(_ bits: UInt16) -> IKETransform {
        IKETransform(kind: .encryption, number: 12, keyLength: bits)
    }

    fileprivate static let tripleDES = IKETransform(kind: .encryption, number: 3)
    fileprivate static let chaCha20 = IKETransform(kind: .encryption, number: 28)

    fileprivate static func integrity(_ number: UInt16) -> IKETransform {
        IKETransform(kind: .integrity, number: number)
    }

    fileprivate static func pseudorandomFunction(_ number: UInt16) -> IKETransform {
        IKETransform(kind: .pseudorandomFunction, number: number)
    }
}
