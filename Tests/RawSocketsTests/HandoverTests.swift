import RawSockets
import Synchronization
import Testing

@Suite struct HandoverTests {
    @Test func `what is given is taken in order, and the end comes last`() throws {
        let handover = Handover<Int>(capacity: 3)
        try PinnedThread.start(name: "giver") {
            for number in 0..<10_000 { handover.give(number) }
            handover.close()
        }
        for number in 0..<10_000 { #expect(handover.take() == number) }
        #expect(handover.take() == nil)
        #expect(handover.take() == nil)
    }

    @Test func `the giver is never more ahead than there is room for`() throws {
        let handover = Handover<Int>(capacity: 2)
        let given = Mutex(0)
        try PinnedThread.start(name: "giver") {
            for number in 0..<1000 {
                given.withLock { $0 = number }
                handover.give(number)
            }
            handover.close()
        }
        while let number = handover.take() {
            // Two wait, one was just taken, and one may wait for room.
            #expect(given.withLock { $0 } <= number + 3)
        }
    }

    @Test func `a giver that waits for room is let go at the end`() throws {
        let handover = Handover<Int>(capacity: 1)
        #expect(handover.give(1))
        let isRefused = Mutex<Bool?>(nil)
        let giver = try PinnedThread.start(name: "giver") {
            let isTaken = handover.give(2)
            isRefused.withLock { $0 = !isTaken }
        }
        handover.close()
        giver.join()
        #expect(isRefused.withLock { $0 } == true)
        #expect(!handover.give(3))
        #expect(handover.take() == 1)
        #expect(handover.take() == nil)
    }

    @Test func `values that nobody takes go with the hand-over`() {
        let handover = Handover<[Int]>(capacity: 4)
        for number in 0..<4 { handover.give([number]) }
    }
}
