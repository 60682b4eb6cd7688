import NetworkPrimitives

/// The keys of one reflector, all made from the secret that both sides hold.
///
/// Each has one purpose, so that nothing which one side sends can be sent back to it as if it came
/// from the other. Printing or dumping the value shows none of them.
public struct ReflectionKeys: Sendable {
    /// The length that a secret may have, in octets.
    public static let secretByteCounts = 16...1024

    /// For the agent's datagrams.
    let agent: MessageAuthenticator
    /// For the reflector's datagrams.
    let reflector: MessageAuthenticator
    /// For the marks in probes.
    let probe: MessageAuthenticator

    /// Makes the keys; nil for a secret shorter or longer than `secretByteCounts` allows.
    public init?(secret: RawSpan) {
        guard Self.secretByteCounts.contains(secret.byteCount) else { return nil }
        let root = MessageAuthenticator(key: secret)
        func derived(_ purpose: String) -> MessageAuthenticator {
            var key = root.tag(of: Array("tunnel-probe reflect 1 \(purpose)".utf8))
            let authenticator = key.withRawSpan { MessageAuthenticator(key: $0) }
            for index in key.indices { key[index] = 0 }
            return authenticator
        }
        agent = derived("agent")
        reflector = derived("reflector")
        probe = derived("probe")
    }
}

extension ReflectionKeys: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Says that there are keys, not which.
    public var description: String { "ReflectionKeys" }

    /// Says that there are keys, not which.
    public var debugDescription: String { description }

    /// A mirror of nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
