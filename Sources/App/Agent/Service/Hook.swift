import Synchronization

/// A function that is set once its owner knows it, and called from any thread.
///
/// It lies in a structure and not bare in the mutex: of a bare function the compiler makes the form that a
/// generic function takes each time the lock is held, and puts that back wrapped around what was there. The
/// chain grows with each look at it, until a call overflows the stack.
final class Hook<Function: Sendable>: Sendable {
    private struct Content: Sendable {
        var function: Function?
    }

    private let content = Mutex(Content())

    /// The function; nil until it is set.
    var function: Function? { content.withLock { $0.function } }

    /// Has this one called from now on.
    func set(_ function: Function?) { content.withLock { $0.function = function } }
}
