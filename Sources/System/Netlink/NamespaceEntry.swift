import NetworkPrimitives
import RawSockets

/// Runs `body` inside the named network namespace, on a thread that ends with it.
///
/// A netlink socket belongs for good to the namespace it is made in.
func insideNamespace<Value: Sendable>(
    _ name: String, _ body: @escaping @Sendable () throws(NetlinkError) -> Value
) throws(NetlinkError) -> Value {
    let outcome: Result<Value, NetlinkError>
    do throws(SocketError) {
        outcome = try NetworkNamespace.run(name, body)
    } catch {
        let object = "namespace \(name)"
        throw error.code == .noSuchNamespace
            ? NetlinkError(
                .namespaceNotFound, errno: error.errno, operation: KernelReader.entering,
                object: object)
            : NetlinkError(errno: error.errno, operation: KernelReader.entering, object: object)
    }
    return try outcome.get()
}
