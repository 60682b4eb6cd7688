import IKE
import NetworkPrimitives
import Testing

/// Lines that libreswan's own tests expect of pluto, with other addresses.
@Suite struct PlutoLogTests {
    private static let sent = "\"lab\" #1: sent IKE_SA_INIT request to 198.51.100.1:UDP/500"
    private static let timeout =
        "\"lab\" #1: ESTABLISHED_IKE_SA: 15 second timeout exceeded after 4 retransmits.  "
        + "No response (or no acceptable response) to our IKEv2 message"
    private static let established =
        "\"lab\" #2: initiator established Child SA using #1; IPsec tunnel [a===b] {ESP=>0x1 <0x2}"

    /// How the peer stands after some lines.
    private func failure(after lines: [String]) -> IKEFailure? {
        var log = KeyDaemonLog()
        var history = KeyDaemonHistory()
        for line in [Self.sent] + lines {
            guard let message = log.take(line) else { continue }
            history.take(message, at: .zero)
        }
        return history.record(connections: [], peer: IPAddress("198.51.100.1"))?.failure
    }

    @Test(arguments: [
        "\"lab\" #1: deleting IKE SA (established IKE SA)",
        "\"lab\" #1: deleting IKE SA (ESTABLISHED_IKE_SA) and sending notification",
        "\"lab\" #2: sent INFORMATIONAL request to delete established Child SA using IKE SA #1",
    ])
    func `an SA that is deleted because its peer is silent did not come up`(line: String) {
        #expect(failure(after: [Self.established, Self.timeout, line]) == .noResponse)
    }

    @Test(arguments: [
        established,
        "\"lab\" #4: initiator rekeyed Child SA #2 using #1; IPsec tunnel [a===b] {ESP=>0x1 <0x2}",
        "\"lab\" #5: initiator rekeyed IKE SA #1 {cipher=AES_GCM_16_256 prf=HMAC_SHA2_512 ke=DH19}",
    ])
    func `an SA that comes up or is replaced makes the silence good`(line: String) {
        #expect(failure(after: [Self.timeout, line]) == nil)
    }

    @Test func `an IKE SA that is replaced says nothing of a child that was refused`() {
        let refused = "\"lab\" #2: IKE_AUTH response rejected Child SA with TS_UNACCEPTABLE"
        let rekeyed = "\"lab\" #5: initiator rekeyed IKE SA #1 {cipher=AES_GCM_16_256}"
        #expect(failure(after: [refused, rekeyed]) == .childRefused)
    }

    @Test func `a child is refused though the message with the notify names a proposal`() {
        let failure = failure(after: [
            "\"lab\" #1: processing IKE_AUTH response from 198.51.100.1:UDP/500 containing "
                + "SK{IDr,AUTH,N(NO_PROPOSAL_CHOSEN)}",
            "\"lab\" #1: initiator established IKE SA; authenticated peer using authby=secret",
            "\"lab\" #2: IKE_AUTH response rejected Child SA with NO_PROPOSAL_CHOSEN",
        ])
        #expect(failure == .childRefused)
    }

    @Test(
        arguments: [
            (
                "IKE SA authentication request rejected by peer: AUTHENTICATION_FAILED",
                .authentication
            ),
            ("authentication failed: no PSK found for '@west'", .authentication),
            ("authentication failed: responder did not include IDr payload", .identity),
            ("CREATE_CHILD_SA failed with error notification TS_UNACCEPTABLE", .childRefused),
            ("CREATE_CHILD_SA failed with error notification TEMPORARY_FAILURE", .temporaryFailure),
            (
                "response for Child SA #2 was rejected with NO_PROPOSAL_CHOSEN; initiating delete of "
                    + "Child SA (IKE SA will remain UP)", .childRefused
            ),
            (
                "ignoring IKE_SA_INIT response containing NO_PROPOSAL_CHOSEN notification (Message ID "
                    + "0; message payloads N, missing SA,KE,Ni)", .noProposal
            ),
        ] as [(String, IKEFailure)])
    func `what pluto says is what failed`(text: String, expected: IKEFailure) {
        #expect(failure(after: ["\"lab\" #1: \(text)"]) == expected)
    }

    @Test func `a retry with the group that the peer wants is no failure`() {
        let line =
            "\"lab\" #3: CREATE_CHILD_SA failed with error notification INVALID_KE_PAYLOAD "
            + "response suggesting MODP4096 instead of MODP8192"
        #expect(failure(after: [line]) == nil)
    }
}
