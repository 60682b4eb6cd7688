internal import NIOPosix
internal import Synchronization

/// Checks names and passwords of requests (RFC 7617) against bcrypt hashes.
///
/// bcrypt is slow on purpose, so passwords that were right are remembered, and all others wait for
/// one thread in a short line in which no client may hold more than two places: a flood of wrong
/// passwords costs one core and cannot keep a scraper out.
final class BasicAuthentication: Sendable {
    enum Outcome {
        case accepted
        case denied
        /// The line is full.
        case busy
    }

    private struct Credentials {
        var name: String
        var password: [UInt8]
    }

    private struct State {
        /// The last password that was right, by user.
        var remembered: [String: [UInt8]] = [:]
        var waiting = 0
        var waitingByClient: [String: Int] = [:]
    }

    private let users: [String: BcryptHash]
    private let state = Mutex(State())

    private static let waitingLimit = 32
    private static let waitingLimitPerClient = 2

    private static let worker: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        return pool
    }()

    /// - Precondition: there is a user.
    init(users: [String: BcryptHash]) {
        precondition(!users.isEmpty, "nobody could log in")
        self.users = users
    }

    /// Checks the value of an `Authorization` header.
    func check(_ authorization: String?, from peer: HTTPPeer) async -> Outcome {
        guard let authorization, let given = Self.credentials(in: authorization) else {
            return .denied
        }
        let remembered = state.withLock { $0.remembered[given.name] }
        if let remembered, isEqualInConstantTime(remembered, given.password) { return .accepted }

        let client = Self.host(of: peer)
        guard enter(client) else { return .busy }
        defer { leave(client) }
        // An unknown name is checked against somebody's hash all the same, so that the time an
        // answer takes does not tell which names exist.
        guard let hash = users[given.name] ?? users.values.first else { return .denied }
        let matches: Bool
        do {
            matches = try await Self.worker.runIfActive { hash.matches(password: given.password) }
        } catch {
            return .denied  // The client has gone: its task was cancelled in the line.
        }
        guard matches, users[given.name] != nil else { return .denied }
        state.withLock { $0.remembered[given.name] = given.password }
        return .accepted
    }

    private func enter(_ client: String) -> Bool {
        state.withLock { state in
            guard state.waiting < Self.waitingLimit,
                state.waitingByClient[client, default: 0] < Self.waitingLimitPerClient
            else { return false }
            state.waiting += 1
            state.waitingByClient[client, default: 0] += 1
            return true
        }
    }

    private func leave(_ client: String) {
        state.withLock { state in
            state.waiting -= 1
            let rest = state.waitingByClient[client, default: 0] - 1
            state.waitingByClient[client] = rest > 0 ? rest : nil
        }
    }

    /// The client's address without its port, which a client can change at will.
    private static func host(of peer: HTTPPeer) -> String {
        guard case .network(let address) = peer, let colon = address.lastIndex(of: ":") else {
            return ""
        }
        return String(address[..<colon])
    }

    private static func credentials(in authorization: String) -> Credentials? {
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic",
            let octets = base64Decoded(parts[1]), let colon = octets.firstIndex(of: 0x3a),
            let name = String(validating: octets[..<colon], as: UTF8.self)
        else { return nil }
        return Credentials(name: name, password: Array(octets[(colon + 1)...]))
    }
}

/// Decodes base64 (RFC 4648 §4) with or without its padding; nil for any other character.
func base64Decoded(_ text: some StringProtocol) -> [UInt8]? {
    var octets: [UInt8] = []
    var bits: UInt32 = 0
    var bitCount = 0
    var digits = Substring(text)
    if text.utf8.count % 4 == 0 {
        for _ in 1...2 where digits.hasSuffix("=") { digits.removeLast() }
    }
    guard digits.utf8.count % 4 != 1 else { return nil }
    for digit in digits.utf8 {
        let value: UInt8
        switch digit {
        case 0x41...0x5a: value = digit - 0x41  // A-Z
        case 0x61...0x7a: value = digit - 0x61 + 26  // a-z
        case 0x30...0x39: value = digit - 0x30 + 52  // 0-9
        case UInt8(ascii: "+"): value = 62
        case UInt8(ascii: "/"): value = 63
        default: return nil
        }
        bits = bits << 6 | UInt32(value)
        bitCount += 6
        if bitCount >= 8 {
            bitCount -= 8
            octets.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
        }
    }
    return octets
}
