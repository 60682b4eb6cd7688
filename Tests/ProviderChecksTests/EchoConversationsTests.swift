import NetworkPrimitives
import Testing

@testable import ProviderChecks

@Suite struct EchoConversationsTests {
    private let host = address("192.0.2.1")
    private let target = address("198.51.100.1")

    private func request(_ identifier: UInt16, to destination: IPAddress, at seconds: Double)
        -> CheckObservation
    {
        CheckObservation(
            at: at(seconds), kind: .request, source: host,
            destination: destination, identifier: identifier, sequence: 1, payloadHash: 0,
            payloadByteCount: 56, hopLimit: 64)
    }

    @Test func `a request counts for a minute, two hosts that ping for ten`() {
        var conversations = EchoConversations()
        conversations.note(request(1, to: target, at: 0), in: 1)
        conversations.note(request(2, to: target, at: 30), in: 1)
        func has(_ identifier: UInt16, at seconds: Double) -> Bool {
            conversations.hasRequest(
                from: host, to: target, identifier: identifier, in: 1, at: at(seconds))
        }
        #expect(has(1, at: 60))
        #expect(!has(1, at: 61))
        #expect(has(2, at: 61))
        #expect(conversations.hasPair(from: host, to: target, in: 1, at: at(600)))
        #expect(!conversations.hasPair(from: host, to: target, in: 2, at: at(600)))
        #expect(!conversations.hasPair(from: host, to: target, in: 1, at: at(631)))
    }

    @Test func `what no longer counts takes no room`() {
        var conversations = EchoConversations()
        // Retries have an identifier of their own each: two a second, for two hours.
        for number in 0..<14_400 {
            let other = IPAddress.v4(0x0a00_0000 + UInt32(number / 120))
            conversations.note(
                request(UInt16(number % 60_000), to: other, at: Double(number) / 2), in: 1)
        }
        // 121 of the last minute and the hosts of ten, each at most twice in the queue's order.
        #expect(conversations.heldCount <= 2 * (121 + 11) + 64)
        #expect(!conversations.isIncomplete(at: at(7200)))
        #expect(
            conversations.hasRequest(
                from: host, to: .v4(0x0a00_0000 + 119), identifier: 14_399, in: 1,
                at: at(7200)))
    }
}
