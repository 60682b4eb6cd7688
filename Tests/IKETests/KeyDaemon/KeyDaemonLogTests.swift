import IKE
import NetworkPrimitives
import Testing

@Suite struct KeyDaemonLogTests {
    @Test(arguments: [
        ("received AUTHENTICATION_FAILED notify error", KeyDaemonStatement.failed(.authentication)),
        ("tried 1 shared key for 'a' - 'b', but MAC mismatched", .failed(.authentication)),
        ("no shared key found for 'a' - 'b'", .failed(.authentication)),
        (
            "constraint check failed: identity '*.ipsec.example.net' required, not matched by '1.2.3.4'",
            .failed(.identity)
        ),
        ("no matching peer config found", .failed(.identity)),
        ("received NO_PROPOSAL_CHOSEN notify error", .failed(.noProposal)),
        ("received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built", .failed(.childRefused)),
        ("received TS_UNACCEPTABLE notify, no CHILD_SA built", .failed(.childRefused)),
        ("failed to establish CHILD_SA, keeping IKE_SA", .failed(.childRefused)),
        ("received TEMPORARY_FAILURE notify, will retry later", .failed(.temporaryFailure)),
        ("giving up after 3 retransmits", .failed(.noResponse)),
        ("establishing IKE_SA failed, peer not responding", .failed(.noResponse)),
        (
            "IKE_SA lab[1] established between 203.0.113.10[a]...198.51.100.1[b]",
            .associationEstablished
        ),
        (
            "CHILD_SA net{1} established with SPIs c0fbdc30_i cae673e1_o and TS 0.0.0.0/0",
            .childEstablished
        ),
        ("outbound CHILD_SA net{2} established", .childEstablished),
    ])
    func `what charon says of a negotiation is understood`(
        _ text: String, _ statement: KeyDaemonStatement
    ) {
        #expect(KeyDaemonStatement(text) == statement)
    }

    @Test(arguments: [
        "establishing CHILD_SA net{1}",
        "sending packet: from 203.0.113.10[500] to 198.51.100.1[500] (268 bytes)",
        "retransmit 1 of request with message ID 1",
        "authentication of 'a' with pre-shared key successful",
        "received", "", "loaded IKE shared key with id 'ike-lab' for: '%any'",
    ])
    func `everything else says nothing`(_ text: String) {
        #expect(KeyDaemonStatement(text) == nil)
    }

    @Test func `a line of charon is about the peer of its thread`() {
        var log = KeyDaemonLog()
        var found: [KeyDaemonMessage] = []
        for line in [
            "2026-11-22T21:26:39 05[IKE] initiating IKE_SA lab[1] to 198.51.100.1",
            "2026-11-22T21:26:39 07[NET] received packet: from 198.51.100.1[4500] to 203.0.113.10[4500] (65 bytes)",
            "2026-11-22T21:26:39 08[NET] received packet: from 192.0.2.7[500] to 203.0.113.10[500] (36 bytes)",
            "2026-11-22T21:26:39 08[IKE] received NO_PROPOSAL_CHOSEN notify error",
            "2026-11-22T21:26:39 07[ENC] parsed IKE_AUTH response 1 [ N(AUTH_FAILED) ]",
            "2026-11-22T21:26:39 07[IKE] received AUTHENTICATION_FAILED notify error",
            "Nov 22 21:26:45 host charon[123]: 05[IKE] giving up after 3 retransmits",
        ] {
            if let message = log.take(line) { found.append(message) }
        }
        #expect(
            found.map(\.statement) == [
                .failed(.noProposal), .failed(.authentication), .failed(.noResponse),
            ])
        #expect(
            found.map(\.peer)
                == ["192.0.2.7", "198.51.100.1", "198.51.100.1"].map { IPAddress($0) })
        #expect(found.last?.connection == "lab")
    }

    @Test func `a line of charon with names is about that connection`() {
        var log = KeyDaemonLog()
        let message = log.take("07[IKE] <lab|3> received TS_UNACCEPTABLE notify, no CHILD_SA built")
        #expect(message?.connection == "lab")
        #expect(message?.text == "received TS_UNACCEPTABLE notify, no CHILD_SA built")
    }

    @Test func `a line of pluto is about its connection, and the peer that an earlier line named`()
    {
        var log = KeyDaemonLog()
        var found: [KeyDaemonMessage] = []
        for line in [
            "Nov 22 21:00:01.123456: \"lab\" #1: initiating IKEv2 connection",
            "Nov 22 21:00:01.123456: \"lab\" #1: sent IKE_SA_INIT request to 198.51.100.1:UDP/500",
            "Nov 22 21:00:01.123456: \"other\" #2: sent IKE_SA_INIT request to [2001:db8::1]:UDP/500",
            "Nov 22 21:00:01.123456: \"lab\" #1: IKE SA authentication request rejected by peer: AUTHENTICATION_FAILED",
        ] {
            if let message = log.take(line) { found.append(message) }
        }
        #expect(found.map(\.statement) == [.failed(.authentication)])
        #expect(found.first?.connection == "lab")
        #expect(found.first?.peer == IPAddress("198.51.100.1"))
    }

    @Test func `any line is read without a trap`() {
        var log = KeyDaemonLog()
        for line in [
            "", "[", "]", "07[IKE]", "07[IKE] ", "07[IKE] <", "07[IKE] <>", "\"\"", "\"a\" #1: ",
            "\"a\": ",
            "07[NET] sending packet: from ", "07[NET] received packet: from  to  ",
            "07[IKE] initiating ",
            "\"a\" #1: sent X request to ", "\u{1F600}[IKE] x", "07[ÄÖÜ] x",
        ] {
            #expect(log.take(line) == nil, "\(line)")
        }
    }
}

@Suite struct KeyDaemonHistoryTests {
    private func record(_ steps: [(Int64, KeyDaemonStatement)]) -> KeyDaemonRecord? {
        var history = KeyDaemonHistory()
        for (second, statement) in steps {
            history.take(
                KeyDaemonMessage(
                    connection: "lab", peer: nil, statement: statement, text: "at \(second)"),
                at: MonotonicInstant(nanoseconds: second * 1_000_000_000))
        }
        return history.record(connections: ["lab"], peer: nil)
    }

    @Test func `the last failure counts until it is made good`() {
        #expect(
            record([(1, .failed(.noResponse)), (20, .failed(.authentication))])?.failure
                == .authentication)
        #expect(record([(1, .failed(.authentication)), (20, .childEstablished)])?.failure == nil)
        #expect(
            record([(1, .failed(.authentication)), (20, .associationEstablished)])?.failure == nil)
        #expect(record([(1, .childEstablished)])?.failure == nil)
        #expect(record([]) == nil)
    }

    @Test func `a refused child outlives an IKE SA that comes up`() {
        #expect(
            record([(1, .failed(.childRefused)), (2, .associationEstablished)])?.failure
                == .childRefused)
        #expect(
            record([(1, .failed(.temporaryFailure)), (2, .associationEstablished)])?.failure
                == .temporaryFailure)
        #expect(record([(1, .failed(.temporaryFailure)), (2, .childEstablished)])?.failure == nil)
    }

    @Test func `an identity that differs is why the authentication failed`() {
        #expect(
            record([(1, .failed(.identity)), (1, .failed(.authentication))])?.failure == .identity)
        #expect(
            record([(1, .failed(.identity)), (60, .failed(.authentication))])?.failure
                == .authentication)
    }

    @Test func `a flood of connections is bounded, and forgets the oldest`() {
        var history = KeyDaemonHistory()
        for number in 0..<5000 {
            history.take(
                KeyDaemonMessage(
                    connection: "c\(number)", peer: nil, statement: .failed(.noResponse), text: "x"),
                at: MonotonicInstant(nanoseconds: Int64(number)))
        }
        #expect(history.record(connections: ["c0"], peer: nil) == nil)
        #expect(history.record(connections: ["c4999"], peer: nil) != nil)
    }
}
