import CLinux
import Glibc
public import NetworkPrimitives

/// A UDP socket on a port of this host that answers from the address it was spoken to.
///
/// Not for more than one thread at a time.
public final class DatagramListener {
    /// Where a datagram came from, and where to.
    public struct Arrival: Hashable, Sendable {
        /// The sender's address.
        public let source: IPAddress
        /// The sender's port.
        public let sourcePort: UInt16
        /// The address of this host that it came to; nil when the kernel did not say.
        public let destination: IPAddress?
        /// The hop limit on arrival; nil when the kernel did not say.
        public let hopLimit: UInt8?
    }

    /// The address that is listened on; unspecified for all of its family.
    public let address: IPAddress
    /// The port that is listened on.
    public let port: UInt16

    /// The descriptor, for an event loop; open as long as this object lives.
    public var descriptor: CInt { owner.number }

    private let owner: Descriptor
    private var incoming: MessageBatch
    private var outgoing = AncillaryWriter()

    /// Listens on a port; 0 for one that the kernel chooses.
    ///
    /// A datagram longer than `receiveByteCount` octets is reported as that many.
    ///
    /// - Throws: `SocketError` when the family is not there, or the port is taken.
    public init(
        on address: IPAddress, port: UInt16, receiveByteCount: Int = 2048
    ) throws(SocketError) {
        owner = Descriptor(owning: try DatagramSocket.makeSocket(address.family))
        let object = "UDP port \(port) of \(address)"
        let number = owner.number
        func require(_ level: CInt, _ name: CInt, _ text: String) throws(SocketError) {
            guard let code = setOption(number, level: level, name: name, to: CInt(1)) else {
                return
            }
            throw SocketError(code, operation: "setsockopt(\(text))", object: object)
        }
        switch address.family {
        case .v4:
            try require(SOL_IP, IP_PKTINFO, "IP_PKTINFO")
            try require(SOL_IP, IP_RECVTTL, "IP_RECVTTL")
        case .v6:
            // A socket of its own serves IPv4.
            try require(SOL_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY")
            try require(SOL_IPV6, IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO")
            try require(SOL_IPV6, IPV6_RECVHOPLIMIT, "IPV6_RECVHOPLIMIT")
        }
        do throws(SocketError) {
            try DatagramSocket.bind(number, to: address, port: port)
        } catch {
            throw SocketError(
                code: error.code, errno: error.errno, operation: error.operation, object: object)
        }
        (self.address, self.port) = try DatagramSocket.name(of: number)
        incoming = MessageBatch(capacity: 32, payloadByteCount: receiveByteCount)
    }

    /// Empties the receive queue as far as a flood allows, and calls `body` for each datagram.
    ///
    /// The payload is valid during the call only. `body` may send on this socket.
    public func drain(_ body: (Arrival, RawSpan) -> Void) {
        for _ in 0..<32 {
            guard case .success(let count) = incoming.receive(from: descriptor), count > 0 else {
                return
            }
            for index in 0..<count {
                let (source, port) = incoming.source(at: index)
                let ancillary = incoming.ancillary(at: index)
                let arrival = Arrival(
                    source: source, sourcePort: port, destination: ancillary.destination,
                    hopLimit: ancillary.hopLimit)
                let payload = unsafe incoming.payload(at: index)
                body(arrival, unsafe payload.bytes)
            }
        }
    }

    /// Sends one datagram.
    ///
    /// - Parameters:
    ///   - octets: its payload.
    ///   - remote: where to.
    ///   - port: its port.
    ///   - source: the address to send from; nil for the one that routing chooses.
    /// - Returns: why the kernel refused it; nil when it took it.
    /// - Precondition: both addresses are of the socket's family.
    public func send(
        _ octets: [UInt8], to remote: IPAddress, port: UInt16, from source: IPAddress?
    ) -> SendFailure? {
        precondition(remote.family == address.family, "destination of the other family")
        precondition(source == nil || source?.family == address.family, "source of the other")
        outgoing.removeAll()
        outgoing.append(source: source)
        var name = remote.socketAddress
        name.sin6_port = port.bigEndian
        let outcome = unsafe withUnsafeMutablePointer(to: &name) { name in
            unsafe octets.withUnsafeBytes { octets in
                // sendmsg(2) does not write through msg_iov.
                var vector = unsafe iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: octets.baseAddress),
                    iov_len: octets.count)
                return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var header = unsafe msghdr()
                    unsafe header.msg_name = UnsafeMutableRawPointer(name)
                    unsafe header.msg_namelen = socklen_t(remote.socketAddressByteCount)
                    unsafe header.msg_iov = vector
                    unsafe header.msg_iovlen = 1
                    unsafe outgoing.attach(to: &header)
                    return systemCall {
                        unsafe CInt(
                            truncatingIfNeeded: sendmsg(descriptor, &header, CInt(MSG_NOSIGNAL)))
                    }
                }
            }
        }
        guard case .failure(let code) = outcome else { return nil }
        return SendFailure(errno: code.number, hasSource: source != nil)
    }
}
