import CLinux
import Glibc
public import NetworkPrimitives

/// Waits for sockets, for a deadline and for other threads, on one thread.
///
/// Level-triggered: a descriptor that was not drained is reported again by the next wait.
@safe public final class EventPoll {
    /// What ended a wait besides descriptors.
    public struct Wakeup: Hashable, Sendable {
        /// The deadline was reached.
        public let deadlineReached: Bool
        /// A `Waker` was used since the last wait.
        public let woken: Bool
    }

    /// Ends a wait from another thread.
    public let waker: Waker

    /// The largest key that `add` takes; the ones above are this type's own.
    public static let largestKey = UInt64.max - 2
    private static let timerKey = UInt64.max - 1
    private static let wakeKey = UInt64.max

    private let epoll: Descriptor
    private let timer: Descriptor
    private let events: UnsafeMutableBufferPointer<epoll_event>
    /// What the timer is set to.
    private var armed: MonotonicInstant?

    /// Makes an empty poll.
    ///
    /// - Throws: `SocketError` when no more files can be opened.
    public init() throws(SocketError) {
        epoll = try Self.open("epoll_create1") { epoll_create1(CInt(EPOLL_CLOEXEC)) }
        timer = try Self.open("timerfd_create") {
            timerfd_create(CLOCK_MONOTONIC, CInt(TFD_CLOEXEC | TFD_NONBLOCK))
        }
        waker = Waker(
            event: try Self.open("eventfd") {
                eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
            })
        unsafe events = .allocate(capacity: 64)
        unsafe events.initialize(repeating: epoll_event())
        try register(timer.number, key: Self.timerKey)
        try register(waker.event.number, key: Self.wakeKey)
    }

    deinit {
        unsafe events.deallocate()
    }

    /// Reports `descriptor` under `key` whenever it can be read or has an error queued.
    ///
    /// The caller keeps the descriptor open until it removes it.
    ///
    /// - Precondition: `key` is at most `largestKey`.
    /// - Throws: `SocketError` when the kernel refuses (a descriptor that was added before, or the
    ///   limit of `fs.epoll.max_user_watches`).
    public func add(_ descriptor: CInt, key: UInt64) throws(SocketError) {
        precondition(key <= Self.largestKey, "key \(key) is reserved")
        try register(descriptor, key: key)
    }

    /// Stops reporting `descriptor`.
    ///
    /// A report that the running wait already fetched still comes: ignore keys you removed.
    ///
    /// - Throws: `SocketError` when the descriptor was not added, or was closed already.
    public func remove(_ descriptor: CInt) throws(SocketError) {
        let outcome = systemCall {
            epoll_ctl(epoll.number, EPOLL_CTL_DEL, descriptor, nil)
        }
        if case .failure(let code) = outcome {
            throw SocketError(
                code, operation: "epoll_ctl(EPOLL_CTL_DEL)", object: "descriptor \(descriptor)")
        }
    }

    /// Waits until a descriptor is ready, `deadline` is reached or a `Waker` is used, whichever
    /// comes first, and calls `body` with the key of each ready descriptor.
    ///
    /// A deadline in the past returns at once, after looking at the descriptors; nil is none.
    @discardableResult
    public func wait(until deadline: MonotonicInstant?, _ body: (UInt64) -> Void) -> Wakeup {
        arm(deadline)
        let outcome = systemCall {
            unsafe epoll_wait(epoll.number, events.baseAddress, CInt(events.count), -1)
        }
        guard case .success(let count) = outcome else {
            // epoll_wait(2): EBADF, EFAULT, EINVAL are all that is left, and all bugs.
            preconditionFailure("epoll_wait: \(outcome)")
        }
        var deadlineReached = false
        var woken = false
        for index in 0..<Int(count) {
            switch unsafe events[index].data.u64 {
            case Self.timerKey:
                deadlineReached = true
                armed = nil
                clear(timer)
            case Self.wakeKey:
                woken = true
                clear(waker.event)
            case let key:
                body(key)
            }
        }
        return Wakeup(deadlineReached: deadlineReached, woken: woken)
    }

    private func arm(_ deadline: MonotonicInstant?) {
        guard deadline != armed else { return }
        var setting = itimerspec()
        if let deadline {
            // timerfd_create(2): a value of zero disarms, so the clock's start becomes 1 ns.
            let nanoseconds = max(1, deadline.nanoseconds)
            setting.it_value = timespec(
                tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        }
        let result = unsafe timerfd_settime(
            timer.number, CInt(TFD_TIMER_ABSTIME), &setting, nil)
        precondition(result == 0, "timerfd_settime: \(Errno(errno).description)")
        armed = deadline
    }

    private func register(_ descriptor: CInt, key: UInt64) throws(SocketError) {
        var event = unsafe epoll_event()
        unsafe event.events = EPOLLIN.rawValue
        unsafe event.data.u64 = key
        let outcome = systemCall {
            unsafe epoll_ctl(epoll.number, EPOLL_CTL_ADD, descriptor, &event)
        }
        if case .failure(let code) = outcome {
            throw SocketError(
                code, operation: "epoll_ctl(EPOLL_CTL_ADD)", object: "descriptor \(descriptor)")
        }
    }

    /// Reads the counter of a timerfd or eventfd, which resets it.
    private func clear(_ descriptor: borrowing Descriptor) {
        var counter: UInt64 = 0
        let number = descriptor.number
        let result = unsafe read(number, &counter, MemoryLayout<UInt64>.size)
        // EAGAIN: the timer was set again between its expiry and this read.
        precondition(result == 8 || errno == EAGAIN || errno == EINTR, "read: errno \(errno)")
    }

    private static func open(
        _ operation: String, _ call: () -> CInt
    ) throws(SocketError) -> Descriptor {
        switch systemCall(call) {
        case .success(let number): return Descriptor(owning: number)
        case .failure(let code):
            throw SocketError(code, operation: operation, object: "event loop")
        }
    }
}

/// Ends an `EventPoll`'s wait from any thread, also after the poll is gone.
public final class Waker: Sendable {
    let event: Descriptor

    init(event: consuming Descriptor) {
        self.event = event
    }

    /// Ends the wait that runs now, or else the next one.
    public func wake() {
        var one: UInt64 = 1
        let result = unsafe write(event.number, &one, MemoryLayout<UInt64>.size)
        // EAGAIN: the counter is full, so a wake is pending already (eventfd(2)).
        precondition(result == 8 || errno == EAGAIN || errno == EINTR, "write: errno \(errno)")
    }
}
