import NetworkPrimitives
import Testing

@testable import RawSockets

/// The kernel's side, as sock.c and ip_output.c have it: a counter that a failed send may advance.
private struct KernelCounter {
    private var next: UInt32 = 0

    mutating func send() -> UInt32 {
        defer { next &+= 1 }
        return next
    }

    mutating func fail(advances: Bool) {
        if advances { next &+= 1 }
    }

    mutating func restart() {
        next = 0
    }
}

@Suite struct TransmitTicketsTests {
    private func instant(_ milliseconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func `tickets count up and stamps find them in any order`() {
        var tickets = TransmitTickets()
        for number in UInt32(0)..<5 {
            #expect(tickets.issue(sentAt: instant(Int64(number))) == number)
        }
        for number in [UInt32(3), 0, 4, 1, 2] {
            let expected = TransmitTickets.Match(
                ticket: number, sentAt: instant(Int64(number)))
            #expect(tickets.match(kernelNumber: number, stampedAt: nil) == expected)
        }
    }

    @Test func `a second stamp of a message, and one of a message never sent, match nothing`() {
        var tickets = TransmitTickets()
        _ = tickets.issue(sentAt: .zero)
        #expect(tickets.match(kernelNumber: 0, stampedAt: nil)?.ticket == 0)
        #expect(tickets.match(kernelNumber: 0, stampedAt: nil) == nil)
        #expect(tickets.match(kernelNumber: 1, stampedAt: nil) == nil)
        #expect(tickets.match(kernelNumber: .max, stampedAt: nil) == nil)
    }

    @Test func `a message is forgotten after capacity later ones, and its slot is not mistaken`() {
        var tickets = TransmitTickets()
        for number in 0...TransmitTickets.capacity {
            #expect(tickets.issue(sentAt: instant(Int64(number))) == number)
        }
        #expect(tickets.match(kernelNumber: 0, stampedAt: nil) == nil)
        #expect(
            tickets.match(kernelNumber: TransmitTickets.capacity, stampedAt: nil)?.ticket == 4096)
        #expect(tickets.match(kernelNumber: 1, stampedAt: nil)?.ticket == 1)
    }

    @Test func `stamps of the old epoch are matched by the old numbers until the counter restarts`()
    {
        var tickets = TransmitTickets()
        _ = tickets.issue(sentAt: instant(1))
        #expect(!tickets.needsEpoch)
        tickets.sendFailed()
        #expect(tickets.needsEpoch)
        #expect(tickets.match(kernelNumber: 0, stampedAt: nil)?.ticket == 0)
        tickets.beginEpoch(at: instant(2))
        #expect(!tickets.needsEpoch)
        #expect(tickets.issue(sentAt: instant(3)) == 1)
        #expect(tickets.match(kernelNumber: 0, stampedAt: nil)?.ticket == 1)
    }

    @Test func `a late stamp of an earlier epoch whose number is not reused finds its message`() {
        var tickets = TransmitTickets()
        for time in Int64(0)..<3 { _ = tickets.issue(sentAt: instant(time)) }
        tickets.beginEpoch(at: instant(10))
        #expect(tickets.issue(sentAt: instant(11)) == 3)
        #expect(
            tickets.match(kernelNumber: 2, stampedAt: nil) == .init(ticket: 2, sentAt: instant(2)))
        #expect(tickets.match(kernelNumber: 2, stampedAt: nil) == nil)
        #expect(tickets.ambiguousStamps == 0)
    }

    @Test func `a stamp that could belong to two messages is believed for neither`() {
        var tickets = TransmitTickets()
        #expect(tickets.issue(sentAt: instant(0)) == 0)
        tickets.beginEpoch(at: instant(10))
        #expect(tickets.issue(sentAt: instant(11)) == 1)
        #expect(tickets.match(kernelNumber: 0, stampedAt: nil) == nil)
        // Not even by a third one, while the other stamp of the two is still to come.
        tickets.beginEpoch(at: instant(11))
        #expect(tickets.issue(sentAt: instant(12)) == 2)
        #expect(tickets.match(kernelNumber: 0, stampedAt: nil) == nil)
        #expect(tickets.match(kernelNumber: 0, stampedAt: nil) == nil)
        #expect(tickets.ambiguousStamps == 3)
        #expect(tickets.match(kernelNumber: 0, stampedAt: nil) == nil)
        #expect(tickets.ambiguousStamps == 3)
        #expect(tickets.issue(sentAt: instant(13)) == 3)
        #expect(tickets.match(kernelNumber: 1, stampedAt: nil)?.ticket == 3)
    }

    @Test func `a message of an earlier epoch is given up after five seconds`() {
        var tickets = TransmitTickets()
        _ = tickets.issue(sentAt: instant(0))
        tickets.beginEpoch(at: instant(5001))
        #expect(tickets.issue(sentAt: instant(5002)) == 1)
        #expect(tickets.match(kernelNumber: 0, stampedAt: nil)?.ticket == 1)

        tickets.beginEpoch(at: instant(5003))
        #expect(tickets.issue(sentAt: instant(5004)) == 2)
        tickets.beginEpoch(at: instant(6000))
        tickets.beginEpoch(at: instant(10_005))
        #expect(tickets.issue(sentAt: instant(10_006)) == 3)
        #expect(tickets.match(kernelNumber: 0, stampedAt: nil)?.ticket == 3)
        #expect(tickets.ambiguousStamps == 0)
    }

    @Test func `a stamp taken right after the send is that message's, whoever else waits`() {
        var tickets = TransmitTickets()
        #expect(tickets.issue(sentAt: instant(0)) == 0)
        tickets.beginEpoch(at: instant(10))
        #expect(tickets.issue(sentAt: instant(11)) == 1)
        let prompt = instant(11) + .microseconds(99)
        #expect(tickets.match(kernelNumber: 0, stampedAt: prompt)?.ticket == 1)
        #expect(tickets.match(kernelNumber: 0, stampedAt: instant(20))?.ticket == 0)
        #expect(tickets.ambiguousStamps == 0)
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `whatever fails, no stamp is given to a message it is not of`(seed: UInt64) {
        var random = SplitMix(state: seed)
        var tickets = TransmitTickets()
        var kernel = KernelCounter()
        /// What the kernel still has to stamp: number and true ticket.
        var queue: [(number: UInt32, ticket: UInt32)] = []
        var expected: UInt32 = 0
        var prompt = 0
        var late = 0
        for step in 0..<20_000 {
            let now = instant(Int64(step))
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1:
                kernel.fail(advances: .random(using: &random))
                tickets.sendFailed()
            case 2..<8:
                if tickets.needsEpoch {
                    kernel.restart()
                    tickets.beginEpoch(at: now)
                }
                let ticket = tickets.issue(sentAt: now)
                let number = kernel.send()
                #expect(ticket == expected)
                expected += 1
                switch Int.random(in: 0..<20, using: &random) {
                case 0: break  // dropped, never stamped
                case 1..<4: queue.append((number, ticket))
                default:
                    let match = tickets.match(
                        kernelNumber: number, stampedAt: now + .microseconds(20))
                    #expect(match?.ticket == ticket)
                    prompt += 1
                }
            default:
                guard !queue.isEmpty else { continue }
                let index = Int.random(in: 0..<queue.count, using: &random)
                let stamped = queue.remove(at: index)
                let match = tickets.match(kernelNumber: stamped.number, stampedAt: now)
                guard let match else { continue }
                #expect(match.ticket == stamped.ticket)
                late += 1
            }
        }
        #expect(prompt > 9000)
        #expect(late > 20)
        #expect(tickets.ambiguousStamps > 0)
    }
}

/// A small reproducible generator (Steele, Lea, Flood: SplitMix64).
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
