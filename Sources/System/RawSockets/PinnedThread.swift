import CLinux
import Glibc

/// A thread of its own, for work that must not wait for a shared pool.
///
/// Letting go of the value does not end the thread.
public struct PinnedThread: ~Copyable, Sendable {
    private let thread: pthread_t

    /// Starts a thread that runs `body` and ends with it.
    ///
    /// `name` is what `top -H` shows; the kernel keeps its first 15 octets.
    ///
    /// - Throws: `SocketError` when the system allows no further thread.
    @discardableResult
    public static func start(
        name: String, _ body: @escaping @Sendable () -> Void
    ) throws(SocketError) -> PinnedThread {
        try PinnedThread(name: name, body)
    }

    /// Waits for the thread's end.
    public consuming func join() {
        let thread = thread
        discard self
        let result = pthread_join(thread, nil)
        // pthread_join(3) fails for a thread that was joined or detached, which ownership rules
        // out, and for one that waits for itself.
        precondition(result == 0, "pthread_join: \(Errno(result).description)")
    }

    deinit {
        pthread_detach(thread)
    }

    private init(name: String, _ body: @escaping @Sendable () -> Void) throws(SocketError) {
        let box = unsafe Unmanaged.passRetained(Body(run: body))
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            unsafe box.release()
            throw SocketError(
                Errno(result), operation: "pthread_create", object: "thread \(name)")
        }
        // A name is for people: pthread_setname_np(3) refuses more than 15 octets.
        var octets = Array(name.utf8.prefix(15).map { CChar(bitPattern: $0) })
        octets.append(0)
        _ = unsafe clinux_pthread_setname(thread, octets)
        self.thread = thread
    }
}

private final class Body: Sendable {
    let run: @Sendable () -> Void

    init(run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}
