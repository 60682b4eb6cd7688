import Glibc
import NetworkPrimitives
import Testing

@testable import RawSockets

@Suite struct EventPollTests {
    @Test func `returns at its deadline and not before`() throws {
        let poll = try EventPoll()
        for milliseconds in [1, 5, 20] {
            let deadline = MonotonicClock.now() + .milliseconds(milliseconds)
            let wakeup = poll.wait(until: deadline) { _ in Issue.record("nothing was added") }
            #expect(wakeup == EventPoll.Wakeup(deadlineReached: true, woken: false))
            #expect(MonotonicClock.now() >= deadline)
        }
    }

    @Test(arguments: [MonotonicInstant.zero, MonotonicInstant(nanoseconds: -5)])
    func `a deadline in the past returns at once, again and again`(deadline: MonotonicInstant)
        throws
    {
        let poll = try EventPoll()
        for _ in 0..<3 {
            #expect(poll.wait(until: deadline) { _ in }.deadlineReached)
        }
    }

    @Test func `a wake from another thread ends a wait without deadline`() throws {
        let poll = try EventPoll()
        let waker = poll.waker
        let thread = try PinnedThread.start(name: "waker") {
            usleep(10_000)
            waker.wake()
        }
        let wakeup = poll.wait(until: nil) { _ in }
        thread.join()
        #expect(wakeup == EventPoll.Wakeup(deadlineReached: false, woken: true))
    }

    @Test func `the distant future is a deadline that does not come`() throws {
        let poll = try EventPoll()
        poll.waker.wake()
        let wakeup = poll.wait(until: .distantFuture) { _ in }
        #expect(wakeup == EventPoll.Wakeup(deadlineReached: false, woken: true))
    }

    @Test func `a wake before the wait is not lost, and is told once`() throws {
        let poll = try EventPoll()
        poll.waker.wake()
        poll.waker.wake()
        #expect(poll.wait(until: nil) { _ in }.woken)
        let deadline = MonotonicClock.now() + .milliseconds(5)
        let wakeup = poll.wait(until: deadline) { _ in }
        #expect(wakeup == EventPoll.Wakeup(deadlineReached: true, woken: false))
    }

    @Test func `a waker outlives its poll`() throws {
        var poll: EventPoll? = try EventPoll()
        let waker = try #require(poll?.waker)
        poll = nil
        waker.wake()
    }

    @Test func `a deadline that was replaced does not end a later wait`() throws {
        let poll = try EventPoll()
        poll.waker.wake()
        poll.wait(until: MonotonicClock.now() + .milliseconds(5)) { _ in }
        let deadline = MonotonicClock.now() + .milliseconds(40)
        #expect(poll.wait(until: deadline) { _ in }.deadlineReached)
        #expect(MonotonicClock.now() >= deadline)

        poll.waker.wake()
        poll.wait(until: MonotonicClock.now() + .milliseconds(5)) { _ in }
        usleep(10_000)
        poll.waker.wake()
        let wakeup = poll.wait(until: nil) { _ in }
        #expect(wakeup == EventPoll.Wakeup(deadlineReached: false, woken: true))
    }

    @Test func `reports ready descriptors by key until they are read, and not after removal`()
        throws
    {
        let poll = try EventPoll()
        var ends: [[CInt]] = []
        for key in UInt64(0)..<100 {
            var pair: [CInt] = [0, 0]
            try #require(pipe(&pair) == 0)
            ends.append(pair)
            try poll.add(pair[0], key: key * 10)
        }
        defer { for pair in ends { pair.forEach { _ = close($0) } } }
        for index in [3, 97] { #expect(write(ends[index][1], "x", 1) == 1) }
        for _ in 0..<2 {
            var keys: Set<UInt64> = []
            poll.wait(until: nil) { keys.insert($0) }
            #expect(keys == [30, 970])
        }
        var octet: UInt8 = 0
        #expect(read(ends[3][0], &octet, 1) == 1)
        try poll.remove(ends[97][0])
        let deadline = MonotonicClock.now() + .milliseconds(5)
        let wakeup = poll.wait(until: deadline) { Issue.record("key \($0)") }
        #expect(wakeup.deadlineReached)
    }

    @Test func `names a descriptor that it cannot watch`() throws {
        let poll = try EventPoll()
        let added = #expect(throws: SocketError.self) { try poll.add(-1, key: 1) }
        #expect(added?.errno == EBADF)
        #expect(added?.object == "descriptor -1")
        let removed = #expect(throws: SocketError.self) { try poll.remove(0) }
        #expect(removed?.errno == ENOENT)
    }
}
