import KernelState
import NetworkPrimitives
import Testing

@testable import Netlink

extension ReceiveBuffer {
    /// Makes a buffer as `recv` leaves it.
    init(holding datagram: [UInt8]) {
        self.init(byteCount: datagram.count)
        unsafe bytes.copyBytes(from: datagram)
    }
}

/// A netlink message: `struct nlmsghdr`, payload, padding.
func message(
    type: UInt16, flags: UInt16 = 0, sequence: UInt32 = 7, length: Int? = nil, _ payload: [UInt8]
) -> [UInt8] {
    var octets: [UInt8] = []
    func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value) { octets += $0 }
    }
    append(UInt32(length ?? payload.count + 16))
    append(type)
    append(flags)
    append(sequence)
    append(UInt32(0))
    octets += payload
    octets += Array(repeating: 0xee, count: (4 - payload.count % 4) % 4)
    return octets
}

@Suite struct ReceiveBufferTests {
    private func payloads(_ datagram: [UInt8]) -> (payloads: [[UInt8]], whole: Bool, zero: Bool) {
        let buffer = ReceiveBuffer(holding: datagram)
        var payloads: [[UInt8]] = []
        let whole = buffer.forEachMessage(byteCount: datagram.count) { _, payload in
            payloads.append((0..<payload.byteCount).map { payload.uint8(at: $0) })
        }
        return (payloads, whole, buffer.isZero)
    }

    @Test func `is zero after messages with keys`() {
        let key: [UInt8] = Array(repeating: 0x5a, count: 36)
        let datagram = message(type: 16, key) + message(type: 16, key + [1]) + message(type: 3, [])
        let result = payloads(datagram)
        #expect(result.payloads == [key, key + [1], []])
        #expect(result.whole)
        #expect(result.zero)
    }

    @Test func `overwrites a message before the next one is read`() {
        let key: [UInt8] = Array(repeating: 0x5a, count: 36)
        let datagram = message(type: 16, key) + message(type: 16, [1, 2, 3, 4])
        let buffer = ReceiveBuffer(holding: datagram)
        var keyOctets: [Int] = []
        _ = buffer.forEachMessage(byteCount: datagram.count) { _, _ in
            keyOctets.append(unsafe buffer.bytes.count { $0 == 0x5a })
        }
        #expect(keyOctets == [36, 0])
    }

    @Test func `is zero after a datagram that ends inside a message`() {
        let key: [UInt8] = Array(repeating: 0x5a, count: 36)
        let datagram = message(type: 16, [1, 2, 3, 4]) + message(type: 16, length: 400, key)
        let result = payloads(datagram)
        #expect(result.payloads == [[1, 2, 3, 4]])
        #expect(!result.whole)
        #expect(result.zero)
    }

    @Test(arguments: [0, 15] as [Int])
    func `a length shorter than the header ends the datagram`(length: Int) {
        let result = payloads(message(type: 16, length: length, [1, 2, 3, 4]))
        #expect(result.payloads.isEmpty)
        #expect(!result.whole)
        #expect(result.zero)
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `random datagrams never trap and leave zeros`(seed: UInt64) {
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<500 {
            var datagram = (0..<next(200)).map { _ in UInt8(next(256)) }
            // A plausible length, now and then, so that the walk goes on.
            if datagram.count >= 4, next(2) == 0 {
                datagram.replaceSubrange(0..<4, with: [UInt8(next(64)), 0, 0, 0])
            }
            #expect(payloads(datagram).zero, "seed \(seed)")
        }
    }
}

@Suite struct NetlinkAnswerTests {
    private static let done: UInt16 = 3
    private static let error: UInt16 = 2
    private static let interrupted: UInt16 = 0x10

    /// What an answer of these datagrams is; every payload is taken but those that open with 0xff.
    private func answer(
        _ datagrams: [[UInt8]], terminator: NetlinkAnswer.Terminator = .done, cutOff: Int = 0
    ) -> (answer: NetlinkAnswer, payloads: [[UInt8]]) {
        var answer = NetlinkAnswer(sequence: 7, type: 16, terminator: terminator)
        var payloads: [[UInt8]] = []
        for datagram in datagrams {
            let buffer = ReceiveBuffer(holding: datagram)
            answer.receive(byteCount: max(datagram.count, cutOff), in: buffer) {
                (payload) throws(KernelMessageError) in
                guard payload.uint8(at: 0) != 0xff else {
                    throw KernelMessageError.badValue(field: "test", value: 0xff)
                }
                payloads.append((0..<payload.byteCount).map { payload.uint8(at: $0) })
            }
            let isZero = buffer.isZero
            #expect(isZero)
        }
        return (answer, payloads)
    }

    @Test func `a dump is the messages up to its end`() {
        let (answer, payloads) = answer([
            message(type: 16, [1, 0, 0, 0]) + message(type: 16, [2, 0, 0, 0]),
            message(type: 16, [3, 0, 0, 0]), message(type: Self.done, [0, 0, 0, 0]),
        ])
        #expect(payloads.map(\.first) == [1, 2, 3])
        #expect(answer.isFinished)
        #expect(answer.condition == .complete)
        #expect(answer.refusal == 0)
        #expect(answer.malformedMessages == 0)
    }

    @Test func `a dump without its end is not finished`() {
        #expect(!answer([message(type: 16, [1, 0, 0, 0])]).answer.isFinished)
    }

    @Test func `one interrupted message spoils the dump`() {
        let (answer, _) = answer([
            message(type: 16, [1, 0, 0, 0]),
            message(type: 16, flags: Self.interrupted, [2, 0, 0, 0]),
            message(type: 16, [3, 0, 0, 0]), message(type: Self.done, []),
        ])
        #expect(answer.isFinished)
        #expect(answer.condition == .interrupted)
    }

    @Test func `the end of a dump can say that it was interrupted`() {
        let (answer, _) = answer([message(type: Self.done, flags: Self.interrupted, [0, 0, 0, 0])])
        #expect(answer.condition == .interrupted)
    }

    @Test func `messages of an earlier request are left out`() {
        let (answer, payloads) = answer([
            message(type: 16, sequence: 6, [1, 0, 0, 0]),
            message(type: Self.done, sequence: 6, []), message(type: 16, [2, 0, 0, 0]),
        ])
        #expect(payloads == [[2, 0, 0, 0]])
        #expect(!answer.isFinished)
    }

    @Test(arguments: [Self.error, Self.done])
    func `a refusal ends the answer with its errno`(type: UInt16) {
        // -EPERM.
        let (answer, _) = answer([message(type: type, [0xff, 0xff, 0xff, 0xff])])
        #expect(answer.isFinished)
        #expect(answer.refusal == 1)
    }

    @Test func `the smallest number is a refusal like any other`() {
        #expect(answer([message(type: Self.error, [0, 0, 0, 0x80])]).answer.refusal != 0)
    }

    @Test func `what cannot be read is counted and left out`() {
        let (answer, payloads) = answer([
            message(type: 16, [0xff, 0, 0, 0]) + message(type: 99, [1, 0, 0, 0])
                + message(type: 16, [2, 0, 0, 0]) + [1, 2, 3],
            message(type: Self.done, []),
        ])
        #expect(payloads == [[2, 0, 0, 0]])
        #expect(answer.malformedMessages == 3)
        #expect(answer.condition == .complete)
    }

    @Test func `a datagram larger than the buffer says how large`() {
        let (dump, payloads) = answer([message(type: 16, [1, 0, 0, 0])], cutOff: 10_000)
        #expect(payloads.isEmpty)
        #expect(dump.condition == .bufferTooSmall(needed: 10_000))
        #expect(!dump.isFinished)
        let single = answer(
            [message(type: 16, [1, 0, 0, 0])], terminator: .firstMessage, cutOff: 10_000)
        #expect(single.answer.isFinished)
    }

    @Test func `a single answer ends with its first message`() {
        let (answer, payloads) = answer(
            [message(type: 16, [1, 0, 0, 0])], terminator: .firstMessage)
        #expect(answer.isFinished)
        #expect(payloads.count == 1)
    }
}
