/// What one message in a key daemon's log says about a negotiation.
public enum KeyDaemonStatement: Equatable, Sendable {
    /// It failed.
    case failed(IKEFailure)
    /// The peer is who it says, the IKE SA is up.
    case associationEstablished
    /// The IKE SA was replaced by a new one, which has its children.
    case associationRekeyed
    /// A child SA is up: nothing is wrong.
    case childEstablished

    /// Reads a message of charon or of libreswan's pluto, without time and thread; nil when it says
    /// nothing of that.
    public init?(_ message: some StringProtocol) {
        guard let found = Self.phrases.first(where: { $0.isIn(message) }) else { return nil }
        self = found.statement
    }

    private struct Phrase {
        var parts: [String]
        var statement: KeyDaemonStatement

        init(_ parts: String..., says statement: KeyDaemonStatement) {
            self.parts = parts
            self.statement = statement
        }

        /// Whether the parts stand in a message, in this order.
        func isIn(_ message: some StringProtocol) -> Bool {
            var rest = Array(message.utf8)[...]
            for part in parts {
                guard let end = rest.endOfFirst(Array(part.utf8)) else { return false }
                rest = rest[end...]
            }
            return true
        }
    }

    /// The first that fits decides: a refused child before the notify that refuses it.
    private static let phrases = [
        // charon
        Phrase("received ", " notify, no CHILD_SA built", says: .failed(.childRefused)),
        Phrase("failed to establish CHILD_SA, keeping IKE_SA", says: .failed(.childRefused)),
        Phrase("no acceptable traffic selectors found", says: .failed(.childRefused)),
        Phrase("traffic selectors ", " unacceptable", says: .failed(.childRefused)),
        Phrase("received TEMPORARY_FAILURE notify", says: .failed(.temporaryFailure)),
        Phrase("constraint check failed: identity ", says: .failed(.identity)),
        Phrase("no matching peer config found", says: .failed(.identity)),
        Phrase("IDr payload missing", says: .failed(.identity)),
        Phrase("IDir '", "' does not match to '", says: .failed(.identity)),
        Phrase("received AUTHENTICATION_FAILED notify", says: .failed(.authentication)),
        Phrase("tried ", " shared key", "but MAC mismatched", says: .failed(.authentication)),
        Phrase("no shared key found for ", says: .failed(.authentication)),
        Phrase("received NO_PROPOSAL_CHOSEN notify error", says: .failed(.noProposal)),
        Phrase("received proposals unacceptable", says: .failed(.noProposal)),
        Phrase("received proposals inacceptable", says: .failed(.noProposal)),
        Phrase("no IKE config found for ", says: .failed(.noProposal)),
        Phrase("giving up after ", " retransmits", says: .failed(.noResponse)),
        Phrase("establishing IKE_SA failed, peer not responding", says: .failed(.noResponse)),
        Phrase("CHILD_SA ", " established", says: .childEstablished),
        Phrase("IKE_SA ", " established between ", says: .associationEstablished),
        Phrase("IKE_SA ", " rekeyed between ", says: .associationRekeyed),
        // pluto: a notify that is named in a message about a child SA refuses no more than that.
        Phrase("TEMPORARY_FAILURE", says: .failed(.temporaryFailure)),
        Phrase("rejected Child SA with ", says: .failed(.childRefused)),
        Phrase("response for Child SA ", "was rejected with ", says: .failed(.childRefused)),
        Phrase(
            "CREATE_CHILD_SA failed with error notification TS_UNACCEPTABLE",
            says: .failed(.childRefused)),
        Phrase(
            "CREATE_CHILD_SA failed with error notification NO_PROPOSAL_CHOSEN",
            says: .failed(.childRefused)),
        Phrase("response rejected ", "TS_UNACCEPTABLE", says: .failed(.childRefused)),
        Phrase("we require IKEv2 peer to have ID ", says: .failed(.identity)),
        Phrase("we require peer to have ID ", says: .failed(.identity)),
        Phrase("Peer ID ", " mismatched", says: .failed(.identity)),
        Phrase("did not include IDr payload", says: .failed(.identity)),
        Phrase("AUTHENTICATION_FAILED", says: .failed(.authentication)),
        Phrase("authentication failed: ", says: .failed(.authentication)),
        Phrase("NO_PROPOSAL_CHOSEN", says: .failed(.noProposal)),
        Phrase("second timeout exceeded after ", " retransmits", says: .failed(.noResponse)),
        // Without the first word these would be found where an SA is deleted: its state is named there.
        Phrase("initiator established Child SA", says: .childEstablished),
        Phrase("responder established Child SA", says: .childEstablished),
        Phrase("initiator rekeyed Child SA", says: .childEstablished),
        Phrase("responder rekeyed Child SA", says: .childEstablished),
        Phrase("initiator established IKE SA", says: .associationEstablished),
        Phrase("responder established IKE SA", says: .associationEstablished),
        Phrase("initiator rekeyed IKE SA", says: .associationRekeyed),
        Phrase("responder rekeyed IKE SA", says: .associationRekeyed),
    ]
}

extension ArraySlice<UInt8> {
    /// The index behind the first place where these octets stand.
    fileprivate func endOfFirst(_ wanted: [UInt8]) -> Int? {
        guard count >= wanted.count else { return nil }
        for start in startIndex...endIndex - wanted.count
        where self[start..<start + wanted.count].elementsEqual(wanted) {
            return start + wanted.count
        }
        return nil
    }
}
