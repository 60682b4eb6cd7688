/// What the text of a record is about, as far as it names it.
///
/// The provider publishes no catalogue of its texts. Names that the standards fix, and words about
/// identities and secrets with a denial beside them, are recognised; everything else is `other`, never
/// guessed.
public struct ProviderLogMessage: Equatable, Sendable {
    /// What a text is about.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// A notify or a complaint that ends or refuses a negotiation; `failure` says which.
        case failure
        /// Another error notify of RFC 7296 §3.10.1, such as INVALID_KE_PAYLOAD.
        case notify
        /// A cipher suite.
        case cipherSuite = "cipher_suite"
        /// A rekey.
        case rekey
        /// Liveness: DPD, keepalives, retransmissions.
        case liveness
        /// An SA is deleted.
        case delete
        /// An SA is up.
        case established
        /// A text that is kept as it is.
        case other
    }

    /// What it is about.
    public var kind = Kind.other
    /// The failure that it proves.
    public var failure: IKEFailure?
    /// The notify that it names, as RFC 7296 and its successors spell it.
    public var notify: String?
    /// The algorithms that it names, in its order, with slashes between them.
    public var cipherSuite: String?

    /// Reads a text.
    public init(_ text: String) {
        let words = MessageWords(text)
        if let (name, failure) = Self.notify(in: words) {
            (notify, self.failure) = (name, failure)
            kind = failure == nil ? .notify : .failure
        }
        // The provider's own complaint tells more than the notify that it sends.
        if MessageComplaint.identity.stands(in: words) {
            (kind, failure) = (.failure, .identity)
        } else if failure == nil, MessageComplaint.secret.stands(in: words) {
            (kind, failure) = (.failure, .authentication)
        }
        let algorithms = words.words.filter(\.isAlgorithm).map(\.original)
        if !algorithms.isEmpty { cipherSuite = algorithms.joined(separator: "/") }
        guard kind == .other else { return }
        if words.hold("established"), !words.hold("not"), !words.holdPrefix("fail") {
            kind = .established
        } else if algorithms.count >= 2 || !algorithms.isEmpty && words.hold("cipher") {
            kind = .cipherSuite
        } else if words.holdPrefix("rekey") {
            kind = .rekey
        } else if words.hold("dpd") || words.holdPrefix("keepalive") || words.hold("liveness")
            || words.hold("dead", "peer") || words.hold("keep", "alive")
            || words.holdPrefix("retransmi")
        {
            kind = .liveness
        } else if words.holdPrefix("delet") {
            kind = .delete
        }
    }

    private static func notify(in words: MessageWords) -> (String, IKEFailure?)? {
        for start in words.words.indices {
            for notify in notifies where words.begin(at: start, with: notify.words) {
                return (notify.name, notify.failure)
            }
        }
        return nil
    }

    private struct Notify: Sendable {
        var name: String
        var failure: IKEFailure?
        var words: [String]

        init(_ name: String, _ failure: IKEFailure? = nil) {
            self.name = name
            self.failure = failure
            words = name.lowercased().split(separator: "_").map(String.init)
        }
    }

    /// Error notifies, RFC 7296 §3.10.1, RFC 5685, RFC 6023, RFC 7791.
    private static let notifies = [
        Notify("NO_PROPOSAL_CHOSEN", .noProposal),
        Notify("AUTHENTICATION_FAILED", .authentication),
        Notify("TS_UNACCEPTABLE", .childRefused),
        Notify("SINGLE_PAIR_REQUIRED", .childRefused),
        Notify("NO_ADDITIONAL_SAS", .childRefused),
        Notify("INTERNAL_ADDRESS_FAILURE", .childRefused),
        Notify("FAILED_CP_REQUIRED", .childRefused),
        Notify("INVALID_SELECTORS"),
        Notify("TEMPORARY_FAILURE", .temporaryFailure),
        Notify("CHILD_SA_NOT_FOUND"),
        Notify("INVALID_KE_PAYLOAD"),
        Notify("INVALID_SYNTAX"),
        Notify("INVALID_IKE_SPI"),
        Notify("INVALID_MAJOR_VERSION"),
        Notify("INVALID_MESSAGE_ID"),
        Notify("INVALID_SPI"),
        Notify("UNSUPPORTED_CRITICAL_PAYLOAD"),
        Notify("UNACCEPTABLE_ADDRESSES"),
        Notify("UNEXPECTED_NAT_DETECTED"),
        Notify("STATE_NOT_FOUND"),
    ]
}
