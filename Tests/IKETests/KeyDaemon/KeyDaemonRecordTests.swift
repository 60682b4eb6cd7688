import IKE
import NetworkPrimitives
import Testing

@Suite struct KeyDaemonRecordTests {
    /// How a connection stands after failures with their texts and seconds.
    private func record(
        after failures: [(failure: IKEFailure, text: String, seconds: Int64)]
    ) -> KeyDaemonRecord? {
        var history = KeyDaemonHistory()
        for (failure, text, seconds) in failures {
            history.take(
                KeyDaemonMessage(
                    connection: "lab", peer: nil, statement: .failed(failure), text: text),
                at: MonotonicInstant(nanoseconds: seconds * 1_000_000_000))
        }
        return history.record(connections: ["lab"], peer: nil)
    }

    @Test func `a later attempt that fails by the authentication says no more of identities`() {
        let record = record(after: [
            (.identity, "constraint check failed", 1),
            (.authentication, "AUTHENTICATION_FAILED", 60),
        ])
        #expect(record?.failure == .authentication)
        #expect(record?.evidence == ["AUTHENTICATION_FAILED"])
    }

    @Test func `evidence is bounded, and the last of it is kept`() {
        let record = record(after: (0..<1000).map { (.noResponse, "text \($0)", Int64($0)) })
        #expect(record?.evidence.count == 6)
        #expect(record?.evidence.last == "text 999")
    }

    @Test func `a text that is kept is bounded`() {
        let message = KeyDaemonMessage(
            connection: nil, peer: nil, statement: .childEstablished,
            text: String(repeating: "x", count: 5000))
        #expect(message.text.count == 200)
    }

    @Test(arguments: [
        "07[IKE] shared Diffie Hellman secret => 32 bytes @ 0x7f",
        "07[IKE]    0: 6C 61 62 2D 73 65 63 72 65 74 20 50 53 4B 21 21  lab-secret PSK!!",
        "07[CFG]   secret: lab-secret", "07[CHD]   encryption initiator key => 36 bytes @ 0x7f",
    ])
    func `a line that can hold a secret is not kept`(line: String) {
        var log = KeyDaemonLog()
        #expect(log.take(line) == nil)
    }
}
