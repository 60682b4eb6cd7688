/// The provider's rules, as its pages have them: dated, each with its page.
///
/// Where two pages disagree the one that is gone by names the other. Only what something goes by is here: rules
/// read it, and tests hold the thresholds of the state machine and of the burn rate against it. The proposals
/// that IKE probes offer are the target IKE's `ProviderProposals`, which has them as transforms; here they are
/// words for people.
public enum ProviderFacts {
    /// When the pages were read.
    public static let readOn = "2026-11"

    // MARK: - Parameters of IKE and ESP

    /// What the reference page lists, as words.
    public static let proposals = ProviderFact(
        Proposals(
            version: "IKEv2 with a pre-shared key",
            ikeCiphers: "AES-GCM-16 (128, 256), AES-CBC 256", ikeIntegrity: "SHA2-256",
            pseudorandomFunctions: "SHA2-256, SHA2-384, SHA2-512",
            keyExchange: "group 20 (recommended), 14, 5",
            childCiphers: "AES-GCM-16 (128, 256), AES-CBC (128, 256)",
            childIntegrity: "SHA2-256, SHA-1; none for AES-GCM-16",
            forwardSecrecy: "group 20 (recommended), 14, 5; one group alone"), .tunnels,
        contradiction: "\"Troubleshoot tunnel health\" also lists groups 15, 16, 19")
    /// What both pages have, in the words of swanctl.conf.
    public static let safeProposal = ProviderFact("aes256gcm16-prfsha256-ecp384", .tunnels)
    /// The same for the child SA.
    public static let safeChildProposal = ProviderFact("aes256gcm16-ecp384", .tunnels)

    /// Algorithms by use, as words.
    public struct Proposals: Hashable, Sendable {
        /// The version of IKE, and how the peers prove who they are.
        public var version: String
        /// Ciphers of the IKE SA.
        public var ikeCiphers: String
        /// Integrity of the IKE SA.
        public var ikeIntegrity: String
        /// Pseudorandom functions; nil where the page names none.
        public var pseudorandomFunctions: String?
        /// Key exchange methods of the IKE SA.
        public var keyExchange: String
        /// Ciphers of the child SA.
        public var childCiphers: String
        /// Integrity of the child SA.
        public var childIntegrity: String
        /// Groups of perfect forward secrecy.
        public var forwardSecrecy: String
    }

    /// Whether the provider begins negotiations or rekeys.
    public static let initiates = ProviderFact(false, .tunnels)
    /// Whether extended sequence numbers may be on.
    public static let allowsExtendedSequenceNumbers = ProviderFact(false, .tunnels)

    // MARK: - Identities

    /// The forms of this side's IKE identity, in which `TUNNEL`, `ACCOUNT`, `LABEL` stand for the names.
    public static let identities = ProviderFact(
        [
            IdentityForm(kind: .domain, form: "TUNNEL.ACCOUNT.ipsec.cloudflare.com"),
            IdentityForm(kind: .mailbox, form: "ipsec@TUNNEL.ACCOUNT.ipsec.cloudflare.com"),
            IdentityForm(kind: .keyID, form: "ACCOUNT_TUNNEL"),
            IdentityForm(kind: .domain, form: "LABEL.ACCOUNT.custom.ipsec.cloudflare.com"),
            IdentityForm(kind: .address, form: "the customer endpoint, where one is configured"),
        ], .tunnels)

    /// One form of an identity.
    public struct IdentityForm: Hashable, Sendable {
        /// What kind of identity it is (RFC 7296 §3.5).
        public enum Kind: String, Sendable {
            /// ID_FQDN.
            case domain = "ID_FQDN"
            /// ID_RFC822_ADDR.
            case mailbox = "ID_RFC822_ADDR"
            /// ID_KEY_ID.
            case keyID = "ID_KEY_ID"
            /// ID_IPV4_ADDR.
            case address = "ID_IPV4_ADDR"
        }

        /// What kind it is.
        public var kind: Kind
        /// How it is put together.
        public var form: String
    }

    // MARK: - Lifetimes

    /// Common lifetimes of an IKE SA.
    public static let ikeLifetime = ProviderFact(
        Duration.seconds(8 * 3600)...Duration.seconds(24 * 3600), .ipsecTroubleshooting)
    /// Common lifetimes of a child SA.
    public static let childLifetime = ProviderFact(
        Duration.seconds(3600)...Duration.seconds(8 * 3600), .ipsecTroubleshooting,
        contradiction: "\"GRE and IPsec tunnels\" recommends 30 min to 8 h")
    /// Recommended lifetimes of a child SA on the reference page.
    public static let childLifetimeByReference = ProviderFact(
        Duration.seconds(1800)...Duration.seconds(8 * 3600), .tunnels,
        contradiction: "\"Troubleshoot IPsec\" names 1 h to 8 h")

    // MARK: - Anti-replay

    /// The replay window that a receiver should have; 0 is off.
    public static let replayWindow = ProviderFact(0, .antiReplay)
    /// What to do where the device cannot turn its check off.
    public static let senderSideReplayProtection = ProviderFact(
        "turn replay protection on for this tunnel at the provider (replay_protection in the API): one "
            + "server then sends all of it, at less throughput, and DPD must restart", .antiReplay)
}
