import NetworkPrimitives

/// HMAC-SHA256 (RFC 2104, RFC 4231) under one key.
///
/// It keeps the two hashes that have taken the padded key, not the key itself.
struct MessageAuthenticator: Sendable {
    /// The length of a whole tag in octets.
    static let tagByteCount = SHA256.byteCount

    private let inner: SHA256
    private let outer: SHA256

    /// Makes an authenticator; a key longer than 64 octets counts by its digest (RFC 2104 §2).
    init(key: RawSpan) {
        var padded: [UInt8] = []
        if key.byteCount > SHA256.blockByteCount {
            var hash = SHA256()
            hash.update(key)
            padded = hash.digest()
        } else {
            padded.append(key)
        }
        padded += Array(repeating: 0, count: SHA256.blockByteCount - padded.count)
        var inner = SHA256()
        var outer = SHA256()
        for index in padded.indices { padded[index] ^= 0x36 }
        inner.update(padded)
        for index in padded.indices { padded[index] ^= 0x36 ^ 0x5c }
        outer.update(padded)
        for index in padded.indices { padded[index] = 0 }
        (self.inner, self.outer) = (inner, outer)
    }

    /// The tag of a message, 32 octets.
    func tag(of message: RawSpan) -> [UInt8] {
        var inner = inner
        inner.update(message)
        var outer = outer
        outer.update(inner.digest())
        return outer.digest()
    }

    /// The tag of a message, 32 octets.
    func tag(of message: [UInt8]) -> [UInt8] {
        message.withRawSpan { tag(of: $0) }
    }

    /// Whether the octets of `bytes` from `end` on begin the tag of those before it.
    ///
    /// Takes as long for a wrong tag as for a right one.
    func isAuthentic(_ bytes: RawSpan, upTo end: Int, tagByteCount count: Int) -> Bool {
        precondition(end >= 0 && bytes.byteCount - end >= count, "a tag outside the message")
        let expected = tag(of: bytes.extracting(0..<end))
        var difference: UInt8 = 0
        for index in 0..<count { difference |= expected[index] ^ bytes.uint8(at: end + index) }
        return difference == 0
    }
}
