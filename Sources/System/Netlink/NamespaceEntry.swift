import CNetlink
import Glibc

/// Runs `body` inside the named network namespace, on a thread that ends with it.
///
/// A netlink socket belongs for good to the namespace it is made in. `setns` changes the calling
/// thread only, and a thread of a pool must not be left in another namespace, so the thread is made
/// for this and thrown away.
///
/// This is the one place where Netlink enters a namespace.
func insideNamespace<Value: Sendable>(
    _ name: String, _ body: @escaping @Sendable () throws(NetlinkError) -> Value
) throws(NetlinkError) -> Value {
    let object = "namespace \(name)"
    guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
        throw NetlinkError(
            .namespaceNotFound, operation: KernelReader.entering, object: object)
    }
    let descriptor = unsafe open("/run/netns/\(name)", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        throw errno == ENOENT
            ? NetlinkError(
                .namespaceNotFound, errno: ENOENT, operation: KernelReader.entering,
                object: object)
            : NetlinkError(errno: errno, operation: KernelReader.entering, object: object)
    }
    defer { _ = close(descriptor) }
    let task = NamespaceTask<Value> {
        () throws(NetlinkError) -> Value in
        guard cnetlink_enter_network_namespace(descriptor) == 0 else {
            throw NetlinkError(errno: errno, operation: KernelReader.entering, object: object)
        }
        return try body()
    }
    return try task.runOnNewThread(object)
}

/// A piece of work and, once its thread has run, what came of it.
private final class NamespaceTask<Value: Sendable>: AnyNamespaceTask, @unchecked Sendable {
    // Written by the new thread, read after pthread_join, which orders the two.
    private var outcome: Result<Value, NetlinkError>?
    private let work: @Sendable () throws(NetlinkError) -> Value

    init(_ work: @escaping @Sendable () throws(NetlinkError) -> Value) {
        self.work = work
    }

    override func run() {
        outcome = Result(catching: work)
    }

    func runOnNewThread(_ object: String) throws(NetlinkError) -> Value {
        var thread = pthread_t()
        let context = unsafe Unmanaged<AnyNamespaceTask>.passRetained(self)
        let failure = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<AnyNamespaceTask>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, unsafe context.toOpaque())
        guard failure == 0 else {
            unsafe context.release()
            throw NetlinkError(errno: failure, operation: "start a thread", object: object)
        }
        pthread_join(thread, nil)
        guard let outcome else { preconditionFailure("the thread ended without an outcome") }
        return try outcome.get()
    }
}

/// What a C thread function, which cannot be generic, knows of a task.
private class AnyNamespaceTask {
    func run() {}
}
