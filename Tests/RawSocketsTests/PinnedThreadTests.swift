import Glibc
import NetworkPrimitives
import RawSockets
import Testing

@Suite struct PinnedThreadTests {
    @Test func `runs on another thread of that name, and join waits for its end`() throws {
        let box = Box<(thread: pthread_t, name: String)>()
        try PinnedThread.start(name: "probe-loop-of-a-long-name") {
            usleep(20_000)
            let file = open("/proc/thread-self/comm", O_RDONLY)
            var name = [UInt8](repeating: 0, count: 64)
            let count = read(file, &name, name.count)
            close(file)
            box.value = (pthread_self(), String(decoding: name.prefix(count), as: UTF8.self))
        }.join()
        let seen = try #require(box.value)
        #expect(seen.thread != pthread_self())
        #expect(seen.name == "probe-loop-of-a\n")
    }

    @Test func `goes on when it is let go of`() throws {
        let poll = try EventPoll()
        let waker = poll.waker
        try PinnedThread.start(name: "detached") {
            usleep(20_000)
            waker.wake()
        }
        #expect(poll.wait(until: MonotonicClock.now() + .seconds(5)) { _ in }.woken)
    }
}
