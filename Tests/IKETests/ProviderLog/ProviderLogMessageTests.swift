import IKE
import NetworkPrimitives
import Testing

@Suite struct ProviderLogMessageTests {
    @Test func `names of notifies are recognised however they are spelled`() {
        let texts: [(String, String, IKEFailure?)] = [
            ("sending NO_PROPOSAL_CHOSEN to peer", "NO_PROPOSAL_CHOSEN", .noProposal),
            ("notify N(NO_PROPOSAL_CHOSEN)", "NO_PROPOSAL_CHOSEN", .noProposal),
            ("error: NoProposalChosen", "NO_PROPOSAL_CHOSEN", .noProposal),
            ("no proposal chosen", "NO_PROPOSAL_CHOSEN", .noProposal),
            ("AUTHENTICATION_FAILED", "AUTHENTICATION_FAILED", .authentication),
            ("child: ts_unacceptable.", "TS_UNACCEPTABLE", .childRefused),
            ("TEMPORARY_FAILURE on CREATE_CHILD_SA", "TEMPORARY_FAILURE", .temporaryFailure),
            ("INVALID_KE_PAYLOAD, want ECP_384", "INVALID_KE_PAYLOAD", nil),
            ("got INVALID_SYNTAX", "INVALID_SYNTAX", nil),
        ]
        for (text, notify, failure) in texts {
            let message = ProviderLogMessage(text)
            #expect(message.notify == notify, "\(text)")
            #expect(message.failure == failure, "\(text)")
            #expect(message.kind == (failure == nil ? .notify : .failure), "\(text)")
        }
    }

    @Test(arguments: [
        "peer identity mismatch", "IKE ID mismatch", "unknown IKE ID", "unknown identity 'a.b.com'",
        "identity a.b.ipsec.example.com not found", "IKE identity \"fw1\" is not configured",
        "no matching tunnel for identity user@example.com", "IDi does not match",
        "unexpected peer ID 10.0.0.1", "PeerIDMismatch: identity mismatch",
        "AUTHENTICATION_FAILED: unknown identity", "no tunnel found: no such identity",
        "could not find identity", "ID type unsupported", "invalid ID payload",
    ])
    func `a complaint about the identity proves it`(text: String) {
        #expect(ProviderLogMessage(text).failure == .identity)
    }

    @Test(arguments: [
        "identity verified", "identity 'unknown' verified", "message ID mismatch",
        "identity accepted, unknown notify ignored", "invalid message id, dropping",
        "identity ok. invalid SPI follows", "peer ID checked: no mismatch",
        "session id not found", "unknown exchange", "looking up identity in account",
        "identity selected after an unknown vendor payload", "ikev2 request received",
    ])
    func `what only sounds like it does not`(text: String) {
        #expect(ProviderLogMessage(text).failure != .identity)
    }

    @Test func `a complaint about the secret is authentication`() {
        for text in ["PSK mismatch", "wrong pre-shared key", "shared secret does not match"] {
            #expect(ProviderLogMessage(text).failure == .authentication, "\(text)")
        }
        #expect(ProviderLogMessage("PSK loaded").failure == nil)
    }

    @Test func `other texts are told by their words, or kept as they are`() {
        let texts: [(String, ProviderLogMessage.Kind)] = [
            ("selected AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384", .cipherSuite),
            ("cipher suite: AES_CBC_256 negotiated", .cipherSuite),
            ("rekeying CHILD_SA", .rekey), ("DPD request received", .liveness),
            ("keep-alive sent", .liveness), ("deleting IKE SA", .delete),
            ("IKE SA established", .established), ("IKE SA not established", .other),
            ("failed to get the SA established", .other), ("hello", .other), ("", .other),
        ]
        for (text, kind) in texts {
            #expect(ProviderLogMessage(text).kind == kind, "\(text)")
            #expect(ProviderLogMessage(text).failure == nil, "\(text)")
        }
        #expect(
            ProviderLogMessage(texts[0].0).cipherSuite == "AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384"
        )
    }

    // MARK: The digest

    private static func record(
        _ second: Int64?, _ message: String, remote: String = "203.0.113.10"
    ) -> ProviderLogRecord {
        var record = ProviderLogRecord()
        record.time = second.map { WallTime(nanoseconds: $0 * 1_000_000_000) }
        record.message = message
        record.level = "info"
        record.local = IPAddress("198.51.100.1")
        record.remote = IPAddress(remote)
        return record
    }

    @Test func `a failure stands until something after it makes it good, by time`() {
        var digest = ProviderLogDigest()
        digest.receive(Self.record(20, "IKE SA established"))
        digest.receive(Self.record(10, "NO_PROPOSAL_CHOSEN"))
        #expect(digest.peers[0].failure == nil)
        #expect(digest.peers[0].failures == [.noProposal: 1])
        digest.receive(Self.record(30, "TS_UNACCEPTABLE"))
        #expect(digest.peers[0].failure == .childRefused && digest.hasFailure)
        digest.receive(Self.record(31, "established", remote: "203.0.113.11"))
        #expect(digest.peers[0].failure == .childRefused)
        #expect(digest.peers.map(\.failure) == [.childRefused, nil])
    }

    @Test func `the complaint of a negotiation outlives its notify`() {
        var digest = ProviderLogDigest()
        digest.receive(Self.record(10, "unknown identity 'x'"))
        digest.receive(Self.record(10, "sending AUTHENTICATION_FAILED"))
        #expect(digest.peers[0].failure == .identity)
        digest.receive(Self.record(60, "sending AUTHENTICATION_FAILED"))
        #expect(digest.peers[0].failure == .authentication)
    }

    @Test func `a flood of records, peers and levels is counted and not kept`() {
        var digest = ProviderLogDigest()
        for number in 0..<5000 {
            let remote = "10.0.\(number / 250).\(number % 250)"
            var record = Self.record(Int64(number), "text \(number)", remote: remote)
            record.level = "level \(number)"
            digest.receive(record)
        }
        digest.receive(Self.record(6000, "NO_PROPOSAL_CHOSEN"))
        #expect(digest.peers.count == ProviderLogDigest.peerLimit)
        #expect(digest.recordsOfOtherPeers == 5001 - 1024)
        #expect(digest.levels.count == 16)
        #expect(digest.kinds == [.other: 5000, .failure: 1])
        #expect(digest.events.count == 301 && digest.eventsLeftOut == 4700)
        #expect(digest.events.first?.record.message == "text 0")
        let last = digest.events.suffix(2).map(\.record.message)
        #expect(last == ["text 4999", "NO_PROPOSAL_CHOSEN"])
    }
}
