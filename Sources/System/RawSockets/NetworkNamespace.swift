import CLinux
import Glibc

/// Work inside a named network namespace, as `ip netns` makes them.
public enum NetworkNamespace {
    /// The result of `body`, run inside the network namespace `/run/netns/NAME`.
    ///
    /// It runs on a thread of its own, which ends with it: setns(2) moves one thread, and no other
    /// thread of the process is touched. The caller waits. Sockets opened by `body` stay in the
    /// namespace; what `body` itself throws comes back in the result.
    ///
    /// - Throws: `SocketError` when the namespace does not exist or cannot be entered (that needs
    ///   CAP_SYS_ADMIN).
    public static func run<Value, Failure: Error>(
        _ name: String, _ body: () throws(Failure) -> Value
    ) throws(SocketError) -> Result<Value, Failure> {
        let object = "network namespace \(name)"
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(UInt8(ascii: "/")),
            !name.utf8.contains(0)
        else {
            throw SocketError(
                code: .noSuchNamespace, errno: 0,
                operation: "the name must be a file name of /run/netns", object: object)
        }
        let opened = systemCall { unsafe open("/run/netns/\(name)", O_RDONLY | O_CLOEXEC) }
        let namespace: Descriptor
        switch opened {
        case .success(let number): namespace = Descriptor(owning: number)
        case .failure(let code):
            throw error(code, operation: "open(/run/netns/\(name))", object: object)
        }
        let number = namespace.number
        var outcome: Result<Result<Value, Failure>, Errno>?
        try onAnotherThread {
            switch systemCall({ clinux_setns(number, CLONE_NEWNET) }) {
            case .success: outcome = .success(Result(catching: body))
            case .failure(let code): outcome = .failure(code)
            }
        }
        switch outcome {
        case .success(let result): return result
        case .failure(let code):
            throw error(code, operation: "setns(CLONE_NEWNET)", object: object)
        case nil: preconditionFailure("the thread ended without an outcome")
        }
    }

    private static func error(_ code: Errno, operation: String, object: String) -> SocketError {
        switch code.number {
        // setns(2): EINVAL for a file that is no namespace, like the mount point that is left when
        // a namespace was unmounted and not deleted.
        case ENOENT, ENOTDIR, EINVAL, ELOOP, ENAMETOOLONG:
            SocketError(
                code: .noSuchNamespace, errno: code.number, operation: operation, object: object)
        default:
            SocketError(
                code, operation: operation, object: object, capability: "CAP_SYS_ADMIN")
        }
    }

    /// Runs `body` on a new thread and waits for its end.
    private static func onAnotherThread(_ body: () -> Void) throws(SocketError) {
        // The two threads never run at the same time: this one waits in join(), whose return
        // happens after everything the other did. So nothing needs to be Sendable.
        do {
            try withoutActuallyEscaping(body) { body in
                let work = unsafe Exclusive(body: body)
                try PinnedThread.start(name: "netns") { unsafe work.body() }.join()
            }
        } catch let error as SocketError {
            throw error
        } catch {
            preconditionFailure("\(error)")
        }
    }

    @unsafe private struct Exclusive: @unchecked Sendable {
        let body: () -> Void
    }
}
