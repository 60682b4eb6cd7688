/// Why a negotiation fails, interface page §6.
public enum IKEFailure: String, CaseIterable, Hashable, Sendable {
    /// The peer answers nothing.
    case noResponse = "no_response"
    /// No common proposal: NO_PROPOSAL_CHOSEN.
    case noProposal = "no_proposal"
    /// AUTHENTICATION_FAILED: the secret or an identity; the peer does not say which.
    case authentication
    /// An identity, proven by the daemon's own complaint or by the provider's log.
    case identity
    /// TEMPORARY_FAILURE, RFC 7296 §2.25.
    case temporaryFailure = "temporary_failure"
    /// The IKE SA is up and the child SA was refused: TS_UNACCEPTABLE and others.
    case childRefused = "child_refused"
}
