import NetworkPrimitives

/// Proof that whoever shows it received a datagram at the address that it sends from.
///
/// The reflector keeps nothing for it: a cookie is a tag over the address, the port, the agent's
/// nonce and the time, under a key that nobody else has and that dies with the process. The time is
/// the reflector's own, so no two clocks are compared.
struct CookieJar: Sendable {
    /// A cookie is good until the end of the slot after its own.
    static let slot = Duration.seconds(10)

    private let authenticator: MessageAuthenticator

    /// Makes a jar with a key of at least 16 random octets.
    init(key: [UInt8]) {
        precondition(key.count >= 16, "a key that can be guessed")
        authenticator = key.withRawSpan { MessageAuthenticator(key: $0) }
    }

    /// The cookie for an endpoint now.
    func cookie(for endpoint: Endpoint, nonce: UInt128, at now: MonotonicInstant) -> UInt128 {
        cookie(endpoint, nonce, Self.number(of: now))
    }

    /// Whether a cookie was made for this endpoint and nonce, at most two slots ago.
    func accepts(
        _ cookie: UInt128, from endpoint: Endpoint, nonce: UInt128, at now: MonotonicInstant
    ) -> Bool {
        let number = Self.number(of: now)
        // Both are always made, and compared as whole numbers: nothing tells where one differs.
        let isCurrent = cookie ^ self.cookie(endpoint, nonce, number)
        let isFormer = cookie ^ self.cookie(endpoint, nonce, number &- 1)
        return isCurrent == 0 || isFormer == 0
    }

    private static func number(of instant: MonotonicInstant) -> UInt64 {
        UInt64(bitPattern: instant.nanoseconds / slot.nanoseconds)
    }

    private func cookie(_ endpoint: Endpoint, _ nonce: UInt128, _ slot: UInt64) -> UInt128 {
        var message: [UInt8] = []
        message.append(bigEndian: slot)
        message.append(bigEndian: nonce)
        message.append(bigEndian: endpoint.port)
        message += endpoint.address.octets
        let tag = authenticator.tag(of: message)
        return tag[..<16].reduce(0) { $0 << 8 | UInt128($1) }
    }
}
