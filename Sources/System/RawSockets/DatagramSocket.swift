import CLinux
import Glibc
public import NetworkPrimitives

/// A UDP socket of its own port that learns of ICMP errors, and who sent them.
///
/// For more than one peer's port at most by turns; not for more than one thread at a time.
public final class DatagramSocket {
    /// Something that the socket's queues held.
    public enum Event: Hashable, Sendable {
        /// A datagram arrived; its octets come beside it.
        case received(from: IPAddress, port: UInt16)
        /// An ICMP error about a datagram that was sent to this port.
        case rejected(ICMPRejection, port: UInt16)
    }

    /// What an ICMP error says, RFC 792 and RFC 4443.
    public struct ICMPRejection: Hashable, Sendable {
        /// The kind in words, like `port unreachable`.
        public var kind: String
        /// The router or host that sent it; nil when the kernel did not say.
        public var sender: IPAddress?
        /// Whether the datagram's hop limit ran out: RFC 792 type 11, RFC 4443 type 3, code 0 of each.
        public var isHopLimitExceeded = false
    }

    /// The address that datagrams carry.
    public let source: IPAddress
    /// The port that datagrams leave from, chosen by the kernel.
    public let port: UInt16
    /// Why the socket's packets follow the IPsec policies of this host though they should not; nil
    /// when there is no such reason.
    public let policyRefusal: String?

    /// The descriptor, for an event loop; open as long as this object lives.
    public var descriptor: CInt { owner.number }

    private let owner: Descriptor
    private let family: IPAddress.Family
    private var incoming: MessageBatch
    private var errors: MessageBatch
    private var hopLimit: UInt8?

    /// Opens a socket for datagrams to `remote`.
    ///
    /// - Parameters:
    ///   - options: device, mark and namespace, as for ICMP; the family is `remote`'s.
    ///   - source: the source address; nil for the one that routing chooses.
    ///   - remote: the peer.
    ///   - codePoint: the differentiated services code point, 0...63.
    ///   - bypassesPolicies: whether packets are kept out of IPsec tunnels of this host.
    /// - Throws: `SocketError`, whose code tells what is missing, a route among it.
    public init(
        _ options: EchoSocketOptions, from source: IPAddress?, to remote: IPAddress,
        codePoint: UInt8 = 0, bypassesPolicies: Bool = true
    ) throws(SocketError) {
        family = remote.family
        owner = try Self.open(options, family)
        let socket = owner.number
        let chosen: IPAddress
        if let source {
            chosen = source
        } else {
            // A second socket is connected to learn the source, and thrown away: to undo connect(2)
            // would cost the port.
            let scout = try Self.open(options, family)
            try Self.connect(scout.number, to: remote)
            chosen = try Self.name(of: scout.number).address
        }
        try Self.bind(socket, to: chosen)
        (self.source, port) = try Self.name(of: socket)
        let level = family == .v4 ? SOL_IP : SOL_IPV6
        if let code = setOption(
            socket, level: level, name: family == .v4 ? IP_RECVERR : IPV6_RECVERR, to: CInt(1))
        {
            throw SocketError(code, operation: "setsockopt(IP_RECVERR)", object: "UDP socket")
        }
        if codePoint != 0 {
            // RFC 2474 §3: the code point is the upper six bits. A refusal costs the marking only.
            _ = setOption(
                socket, level: level, name: family == .v4 ? IP_TOS : IPV6_TCLASS,
                to: CInt(codePoint) << 2)
        }
        policyRefusal = bypassesPolicies ? Self.bypassPolicies(socket, family) : nil
        incoming = MessageBatch(capacity: 8, payloadByteCount: 4096)
        errors = MessageBatch(capacity: 8, payloadByteCount: 64)
    }

    /// Sends one datagram; nil when the kernel took it.
    ///
    /// A nil `hopLimit` is the system's default.
    ///
    /// - Precondition: `remote` is of the socket's family, and `hopLimit` is not 0.
    public func send(
        _ octets: [UInt8], to remote: IPAddress, port: UInt16, hopLimit: UInt8? = nil
    ) -> SendFailure? {
        precondition(remote.family == family, "destination of the other family")
        precondition(hopLimit != 0, "hop limit 0")
        if hopLimit != self.hopLimit {
            // ip(7), ipv6(7): -1 is the default.
            if let code = setOption(
                descriptor, level: family == .v4 ? SOL_IP : SOL_IPV6,
                name: family == .v4 ? IP_TTL : IPV6_UNICAST_HOPS, to: hopLimit.map(CInt.init) ?? -1)
            {
                return SendFailure(errno: code.number, hasSource: false)
            }
            self.hopLimit = hopLimit
        }
        // An error of an earlier datagram would be reported as this one's (ip(7), IP_RECVERR).
        _ = pendingError(of: descriptor)
        var address = remote.socketAddress
        address.sin6_port = port.bigEndian
        let outcome = systemCall {
            unsafe withUnsafePointer(to: &address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    unsafe octets.withUnsafeBytes { octets in
                        unsafe CInt(
                            truncatingIfNeeded: sendto(
                                descriptor, octets.baseAddress, octets.count,
                                CInt(MSG_NOSIGNAL), address,
                                socklen_t(remote.socketAddressByteCount)))
                    }
                }
            }
        }
        guard case .failure(let code) = outcome else { return nil }
        return SendFailure(errno: code.number, hasSource: true)
    }

    /// Empties the error queue and the receive queue, and calls `body` for each event.
    ///
    /// The second argument of `body` is the datagram's payload, empty for other events, valid during
    /// the call only.
    public func drain(_ body: (Event, RawSpan) -> Void) {
        drainErrors(body)
        _ = pendingError(of: descriptor)
        // Bounded, so that a flood cannot keep the caller from its deadlines.
        for _ in 0..<32 {
            guard case .success(let count) = incoming.receive(from: descriptor), count > 0 else {
                return
            }
            for index in 0..<count {
                let (address, port) = incoming.source(at: index)
                let payload = unsafe incoming.payload(at: index)
                body(.received(from: address, port: port), unsafe payload.bytes)
            }
        }
    }

    private func drainErrors(_ body: (Event, RawSpan) -> Void) {
        for _ in 0..<32 {
            guard
                case .success(let count) = errors.receive(
                    from: descriptor, flags: CInt(MSG_ERRQUEUE)), count > 0
            else { return }
            for index in 0..<count {
                let ancillary = errors.ancillary(at: index)
                guard let error = ancillary.extendedError,
                    let kind = Self.kind(of: error)
                else { continue }
                // recvmsg(2): the name is where the failed datagram went to.
                let rejection = ICMPRejection(
                    kind: kind, sender: ancillary.offender,
                    isHopLimitExceeded: Self.isHopLimitExceeded(error))
                body(.rejected(rejection, port: errors.source(at: index).port), RawSpan())
            }
        }
    }

    private static func isHopLimitExceeded(_ error: sock_extended_err) -> Bool {
        switch CInt(error.ee_origin) {
        case CInt(SO_EE_ORIGIN_ICMP):
            CInt(error.ee_type) == ICMP_TIME_EXCEEDED && error.ee_code == 0
        case CInt(SO_EE_ORIGIN_ICMP6):
            CInt(error.ee_type) == ICMPV6_TIME_EXCEED && error.ee_code == 0
        default: false
        }
    }

    /// The kind of an ICMP error that refuses; nil for others, packet too big above all.
    private static func kind(of error: sock_extended_err) -> String? {
        switch CInt(error.ee_origin) {
        case CInt(SO_EE_ORIGIN_ICMP):
            switch (CInt(error.ee_type), CInt(error.ee_code)) {
            case (ICMP_DEST_UNREACH, 0): return "network unreachable"
            case (ICMP_DEST_UNREACH, 1): return "host unreachable"
            case (ICMP_DEST_UNREACH, 2): return "protocol unreachable"
            case (ICMP_DEST_UNREACH, 3): return "port unreachable"
            case (ICMP_DEST_UNREACH, 4): return nil
            case (ICMP_DEST_UNREACH, 9), (ICMP_DEST_UNREACH, 10), (ICMP_DEST_UNREACH, 13):
                return "administratively prohibited"
            case (ICMP_DEST_UNREACH, let code): return "destination unreachable, code \(code)"
            case (ICMP_TIME_EXCEEDED, _): return "time exceeded"
            case (let type, let code): return "ICMP type \(type), code \(code)"
            }
        case CInt(SO_EE_ORIGIN_ICMP6):
            switch (CInt(error.ee_type), CInt(error.ee_code)) {
            case (ICMPV6_DEST_UNREACH, 0): return "no route to destination"
            case (ICMPV6_DEST_UNREACH, 1): return "administratively prohibited"
            case (ICMPV6_DEST_UNREACH, 3): return "address unreachable"
            case (ICMPV6_DEST_UNREACH, 4): return "port unreachable"
            case (ICMPV6_DEST_UNREACH, let code): return "destination unreachable, code \(code)"
            case (ICMPV6_PKT_TOOBIG, _): return nil
            case (ICMPV6_TIME_EXCEED, _): return "time exceeded"
            case (let type, let code): return "ICMPv6 type \(type), code \(code)"
            }
        case CInt(SO_EE_ORIGIN_LOCAL) where error.ee_errno != UInt32(EMSGSIZE):
            return "\(Errno(CInt(bitPattern: error.ee_errno)).description), by this host"
        default: return nil
        }
    }
}

/// Takes a socket's pending error away; what it was stands in the error queue.
func pendingError(of descriptor: CInt) -> CInt {
    var code: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    _ = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
    return code
}
