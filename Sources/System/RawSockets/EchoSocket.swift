import CLinux
import Glibc
public import NetworkPrimitives

/// A raw ICMP or ICMPv6 socket with kernel timestamps.
///
/// It sends whole ICMP messages and reports, from its two queues, when they left and what came
/// back. It judges nothing: which answer belongs to which message is for the caller to find.
/// Not for more than one thread at a time.
public final class EchoSocket {
    /// What the socket was opened with.
    public let options: EchoSocketOptions
    /// Which kernel timestamps were granted.
    public let stamps: StampSupport
    /// Messages the kernel dropped because the receive buffer was full (SO_RXQ_OVFL), known as of
    /// the last message received.
    ///
    /// An upper bound on newer kernels, which count types that the socket's filter keeps out when
    /// they meet a full buffer (net/ipv4/raw.c, `raw_v4_input`).
    public internal(set) var receiveDrops: UInt64 = 0
    /// Received packets whose IP header contradicted itself; never reported as events.
    public internal(set) var malformedPackets: UInt64 = 0
    /// Transmit stamps that could belong to two messages and were discarded.
    public var ambiguousStamps: UInt64 { tickets.ambiguousStamps }

    /// The descriptor, for an event loop; open as long as this object lives.
    public var descriptor: CInt { owner.number }

    let owner: Descriptor
    var tickets = TransmitTickets()
    /// What the error queue held when the kernel's counter was restarted.
    var earlyEntries: [ResolvedEntry] = []
    var lastDropCount: UInt32 = 0
    /// When the receive queue was last seen empty: whatever comes next arrived after it.
    var emptyAt: MonotonicInstant

    var incoming: MessageBatch
    var transmitted: MessageBatch
    private var outgoing = AncillaryWriter()
    private let interfaceIndex: CInt

    /// Opens a socket; needs CAP_NET_RAW.
    ///
    /// `receiveByteCount` is the longest IP packet that is received whole, in octets.
    ///
    /// - Throws: `SocketError`, whose code tells what is missing: a capability, the device, the
    ///   namespace, the address family, or room for one more open file.
    public init(
        _ options: EchoSocketOptions, receiveByteCount: Int = 65_536
    ) throws(SocketError) {
        self.options = options
        emptyAt = MonotonicClock.now()
        owner = try Self.open(options)
        stamps = StampSupport.enable(on: owner.number)
        interfaceIndex = boundInterface(of: owner.number)
        incoming = MessageBatch(capacity: 32, payloadByteCount: receiveByteCount)
        transmitted = MessageBatch(capacity: 32, payloadByteCount: 64)
        discardStrangers()
    }

    /// Sends one ICMP message.
    ///
    /// `message` is the ICMP header and what follows; an IPv4 message has its checksum in place,
    /// an ICMPv6 message gets it from the kernel (RFC 3542 §3.1). A nil `source` is chosen by
    /// routing, a nil `hopLimit` is the system's default. `differentiatedServices` is the whole
    /// octet, DSCP in its upper six bits.
    ///
    /// - Precondition: both addresses are of the socket's family, and `hopLimit` is not 0.
    public func send(
        _ message: [UInt8], to destination: IPAddress, from source: IPAddress? = nil,
        hopLimit: UInt8? = nil, differentiatedServices: UInt8 = 0
    ) -> SendOutcome {
        precondition(destination.family == options.family, "destination of the other family")
        precondition(
            source == nil || source?.family == options.family, "source of the other family")
        precondition(hopLimit != 0, "hop limit 0")
        if tickets.needsEpoch { restartStampNumbers() }
        writeAncillary(source, hopLimit, differentiatedServices)
        let (at, outcome) = transmit(message, to: destination)
        switch outcome {
        case .success:
            return .sent(ticket: tickets.issue(sentAt: at), at: at)
        case .failure(let code):
            tickets.sendFailed()
            if code.number == EMSGSIZE, !options.mayFragment {
                return explainSize(message, to: destination)
            }
            return .failed(explain(code, source))
        }
    }

    /// Calls sendmsg(2) with the ancillary data that was written last.
    ///
    /// The instant is the one before the call.
    private func transmit(
        _ message: [UInt8], to destination: IPAddress
    ) -> (at: MonotonicInstant, outcome: Result<CInt, Errno>) {
        var address = destination.socketAddress
        return unsafe withUnsafeMutablePointer(to: &address) { address in
            unsafe message.withUnsafeBytes { octets in
                // sendmsg(2) does not write through msg_iov.
                var vector = unsafe iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: octets.baseAddress),
                    iov_len: octets.count)
                return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var header = unsafe msghdr()
                    unsafe header.msg_name = UnsafeMutableRawPointer(address)
                    unsafe header.msg_namelen = socklen_t(destination.socketAddressByteCount)
                    unsafe header.msg_iov = vector
                    unsafe header.msg_iovlen = 1
                    unsafe outgoing.attach(to: &header)
                    let at = MonotonicClock.now()
                    let outcome = systemCall {
                        unsafe CInt(
                            truncatingIfNeeded: sendmsg(descriptor, &header, CInt(MSG_NOSIGNAL)))
                    }
                    return (at, outcome)
                }
            }
        }
    }

    /// Sends a message once more that was too long, with the socket's errors queued: the kernel then
    /// says which length it would take.
    ///
    /// Only for that call: with IP_RECVERR set, ICMP errors of any path would fail later sends.
    private func explainSize(_ message: [UInt8], to destination: IPAddress) -> SendOutcome {
        let level = options.family == .v4 ? SOL_IP : SOL_IPV6
        let name = options.family == .v4 ? IP_RECVERR : IPV6_RECVERR
        restartStampNumbers()
        // A refusal leaves the limit unknown.
        _ = setOption(descriptor, level: level, name: name, to: CInt(1))
        let (at, outcome) = transmit(message, to: destination)
        var limit: Int?
        let correlation = ClockCorrelation()
        for entry in fetchErrorQueue() {
            if case .tooBig(let octets) = entry {
                limit = octets
            } else {
                earlyEntries.append(resolve(entry, correlation))
            }
        }
        _ = setOption(descriptor, level: level, name: name, to: CInt(0))
        // What an ICMP error left pending meanwhile is nobody's.
        _ = pendingError(of: descriptor)
        switch outcome {
        case .success: return .sent(ticket: tickets.issue(sentAt: at), at: at)
        case .failure(let code):
            tickets.sendFailed()
            return .failed(
                SendFailure(
                    kind: code.number == EMSGSIZE ? .tooBig : .other, errno: code.number,
                    limit: limit))
        }
    }

    /// Throws away what arrived before the socket was bound to its device and filtered: nothing was
    /// sent yet, so it answers nothing.
    private func discardStrangers() {
        for _ in 0..<Self.batchesPerDrain {
            guard case .success(incoming.capacity) = incoming.receive(from: descriptor) else {
                return
            }
        }
    }

    private func writeAncillary(
        _ source: IPAddress?, _ hopLimit: UInt8?, _ differentiatedServices: UInt8
    ) {
        outgoing.removeAll()
        let isIPv4 = options.family == .v4
        outgoing.append(source: source)
        if let hopLimit {
            outgoing.append(
                level: isIPv4 ? SOL_IP : SOL_IPV6, type: isIPv4 ? IP_TTL : IPV6_HOPLIMIT,
                CInt(hopLimit))
        }
        if differentiatedServices != 0 {
            outgoing.append(
                level: isIPv4 ? SOL_IP : SOL_IPV6, type: isIPv4 ? IP_TOS : IPV6_TCLASS,
                CInt(differentiatedServices))
        }
    }

    /// Tells apart what ENETUNREACH may mean: a device that is gone (IPv6), a source that is on no
    /// device (IPv4), or a missing route.
    private func explain(_ code: Errno, _ source: IPAddress?) -> SendFailure {
        if interfaceIndex != 0, !interfaceExists(interfaceIndex, for: descriptor) {
            return SendFailure(kind: .noDevice, errno: code.number)
        }
        if code.number == ENETUNREACH, let source, source.family == .v4,
            !isLocal(source, for: descriptor)
        {
            return SendFailure(kind: .sourceUnavailable, errno: code.number)
        }
        return SendFailure(errno: code.number, hasSource: source != nil)
    }

    /// Sets the kernel's stamp counter to zero, after fetching the stamps numbered so far.
    private func restartStampNumbers() {
        guard stamps == .kernel else {
            tickets.beginEpoch(at: MonotonicClock.now())
            return
        }
        let entries = fetchErrorQueue()
        let correlation = ClockCorrelation()
        // Kept for the next drain, which has a caller to tell.
        for entry in entries { earlyEntries.append(resolve(entry, correlation)) }
        // setsockopt(2) granted the same flags before, and takes no memory: it cannot fail.
        if let refusal = StampSupport.restartNumbers(on: descriptor) {
            preconditionFailure("setsockopt(SO_TIMESTAMPING): \(refusal.description)")
        }
        tickets.beginEpoch(at: MonotonicClock.now())
    }
}
