import RawSockets
import Synchronization
import NetworkPrimitives

/// What lives on the thread of a `CaptureLoop`: captures, and what is made of their packets.
protocol CaptureWork: SendableMetatype {
    /// What is known at one moment.
    associatedtype Snapshot: Sendable
    /// Something to tell.
    associatedtype Event: Sendable

    /// When to wake up though no packet comes.
    var deadline: MonotonicInstant { get }
    /// Whether the thread is to end.
    var isStopping: Bool { get }

    /// Takes in what waits, up to a limit, on the descriptors with these keys.
    mutating func drain(_ ready: Set<UInt64>)
    /// Does what is due.
    mutating func advance(to now: MonotonicInstant)
    /// Takes the events since the last call.
    mutating func takeEvents() -> [Event]
    /// What is known when the thread ends.
    mutating func lastSnapshot() -> Snapshot
}

/// A thread that owns captures.
///
/// Everybody else posts a closure that runs between two batches of packets; there is no lock that a
/// packet could wait for.
final class CaptureLoop<Work: CaptureWork>: Sendable {
    typealias Command = @Sendable (inout Work) -> Void

    /// What waits for the thread, and what is left when it has ended.
    private struct Mailbox {
        var commands: [Command] = []
        /// The last snapshot; nil as long as the thread runs commands.
        var last: Work.Snapshot?
    }

    private let mailbox = Mutex(Mailbox())
    /// Locked by the thread for as long as it runs.
    private let poll: Mutex<EventPoll>
    private let waker: Waker

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: the thread's name.
    ///   - make: makes what lives on it; called on it.
    ///   - events: called on the thread for everything it has to tell.
    /// - Throws: `SocketError` when the process may not make a thread or descriptors.
    init(
        name: String, make: @escaping @Sendable (EventPoll) -> Work,
        events: @escaping @Sendable (Work.Event) -> Void
    ) throws(SocketError) {
        poll = Mutex(try EventPoll())
        waker = poll.withLock { $0.waker }
        try PinnedThread.start(name: name) { [self] in
            poll.withLock { poll in
                var work = make(poll)
                run(&work, poll, events)
            }
        }
    }

    /// Has the thread run a command.
    ///
    /// - Returns: nil, or the last snapshot of a thread that has ended and will not run it.
    @discardableResult
    func post(_ command: @escaping Command) -> Work.Snapshot? {
        let last = mailbox.withLock { mailbox in
            if mailbox.last == nil { mailbox.commands.append(command) }
            return mailbox.last
        }
        if last == nil { waker.wake() }
        return last
    }

    /// A snapshot that the thread takes; once it has ended, what was known then.
    func snapshot(
        _ take: @escaping @Sendable (inout Work) -> Work.Snapshot
    ) async -> Work.Snapshot {
        await withCheckedContinuation { continuation in
            let last = post { continuation.resume(returning: take(&$0)) }
            if let last { continuation.resume(returning: last) }
        }
    }

    /// An answer that the thread gives; nil once it has ended.
    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (inout Work) -> Answer
    ) async -> Answer? {
        await withCheckedContinuation { continuation in
            let last = post { continuation.resume(returning: question(&$0)) }
            if last != nil { continuation.resume(returning: nil) }
        }
    }

    private func run(
        _ work: inout Work, _ poll: EventPoll, _ events: @Sendable (Work.Event) -> Void
    ) {
        var ready: Set<UInt64> = []
        while true {
            ready.removeAll(keepingCapacity: true)
            poll.wait(until: work.deadline) { ready.insert($0) }
            work.drain(ready)
            for command in takeCommands() { command(&work) }
            if work.isStopping { break }
            work.advance(to: MonotonicClock.now())
            for event in work.takeEvents() { events(event) }
        }
        // Whoever posts from here on gets the snapshot; what was posted before still runs.
        let last = work.lastSnapshot()
        for command in takeCommands(leaving: last) { command(&work) }
    }

    private func takeCommands(leaving last: Work.Snapshot? = nil) -> [Command] {
        mailbox.withLock { mailbox in
            defer { mailbox.commands = [] }
            mailbox.last = last
            return mailbox.commands
        }
    }
}
