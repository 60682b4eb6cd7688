import Dispatch
import Synchronization

/// Hands values from one thread to another, in order, a bounded number of them ahead.
///
/// Both sides block, so both are threads of their own, or a command's main thread. Meant for batches:
/// a hand-over costs some hundred nanoseconds.
public final class Handover<Value: Sendable>: Sendable {
    private struct State {
        var values: [Value] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Signalled up to its value: dispatch_semaphore_create(3) aborts a process that lets go of one
    /// whose value is below the one it began with.
    private let room = DispatchSemaphore(value: 0)
    private let filled = DispatchSemaphore(value: 0)

    /// Makes a hand-over that lets the giver be `capacity` values ahead.
    ///
    /// - Precondition: `capacity` is positive.
    public init(capacity: Int) {
        precondition(capacity > 0, "nothing can be handed over without room for it")
        for _ in 0..<capacity { room.signal() }
    }

    /// Gives a value; waits while as many are waiting as there is room for.
    ///
    /// - Returns: whether somebody will take it; false after ``close()``.
    @discardableResult
    public func give(_ value: Value) -> Bool {
        room.wait()
        let isClosed = state.withLock { state in
            if !state.isClosed { state.values.append(value) }
            return state.isClosed
        }
        if isClosed { room.signal() } else { filled.signal() }
        return !isClosed
    }

    /// Takes the next value; waits for one.
    ///
    /// - Returns: the value; nil after the last one before ``close()``.
    public func take() -> Value? {
        filled.wait()
        let value = state.withLock { $0.values.isEmpty ? nil : $0.values.removeFirst() }
        // The end is an end for everybody who asks again.
        if value == nil { filled.signal() } else { room.signal() }
        return value
    }

    /// Ends the hand-over: what was given before can still be taken.
    public func close() {
        state.withLock { $0.isClosed = true }
        filled.signal()
        room.signal()
    }
}
