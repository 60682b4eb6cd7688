import CLinux
import Glibc
import NetworkPrimitives

extension EchoSocket {
    /// How many batches one drain reads at most, so that a flood of answers cannot keep the caller
    /// from its deadlines.
    ///
    /// The rest is reported by the next drain.
    static let batchesPerDrain = 32

    /// The same for the error queue, which may hold a stamp for each packet of the send buffer.
    private static let batchesPerFetch = 1024

    /// How long before it is in the socket's queue a packet may have been stamped: a stamp is taken
    /// when a packet enters the host's receive path, which a loaded CPU may run much later.
    static let receiveDelay = Duration.milliseconds(100)

    /// Empties the socket's error queue and receive queue, and calls `body` for each event.
    ///
    /// The second argument of `body` is the ICMP message of a `received` event (without IP header;
    /// for IPv4 the header was checked and taken off) and empty for other events. It is valid
    /// during the call only. `body` may send on this socket, and must not drain it.
    public func drain(
        correlation: inout ClockCorrelation, _ body: (SocketEvent, RawSpan) -> Void
    ) {
        for _ in 0..<Self.batchesPerDrain {
            // A message's transmit stamp is queued before its answer can be. So the stamps are
            // fetched after the answers and reported before them.
            let readAt = MonotonicClock.now()
            let outcome = incoming.receive(from: descriptor)
            reportTransmitStamps(&correlation, body)
            switch outcome {
            case .success(let count):
                for index in 0..<count { report(messageAt: index, correlation, body) }
                guard count == incoming.capacity else {
                    emptyAt = readAt
                    return
                }
            case .failure(let code):
                body(.queuedError(QueuedError(code, "recvmmsg")), RawSpan())
                return
            }
        }
    }

    // MARK: - Transmit stamps

    /// An entry of the error queue.
    enum ErrorQueueEntry {
        /// A transmit stamp under the kernel's number.
        case stamp(kernelNumber: UInt32, WallTime)
        /// A message was longer than so many octets, which this host itself refused.
        case tooBig(Int)
        case error(QueuedError)
    }

    /// An entry of the error queue whose message was looked up.
    enum ResolvedEntry {
        case stamp(TransmitTickets.Match, WallTime)
        /// A stamp that is no message's for sure.
        case discarded
        case error(QueuedError)
    }

    private func reportTransmitStamps(
        _ correlation: inout ClockCorrelation, _ body: (SocketEvent, RawSpan) -> Void
    ) {
        let fetched = fetchErrorQueue()
        correlation.sample()
        // All are looked up before the first is reported: `body` may send, which may begin an epoch.
        let entries = earlyEntries + fetched.map { resolve($0, correlation) }
        earlyEntries = []
        for entry in entries { report(entry, correlation, body) }
    }

    private func report(
        _ entry: ResolvedEntry, _ correlation: ClockCorrelation,
        _ body: (SocketEvent, RawSpan) -> Void
    ) {
        switch entry {
        case .stamp(let match, let stamp):
            let at = correlation.convert(
                stamp, notBefore: match.sentAt, notAfter: correlation.sampledAt)
            body(.transmitted(ticket: match.ticket, at: at), RawSpan())
        case .error(let error): body(.queuedError(error), RawSpan())
        case .discarded: break
        }
    }

    /// Finds the message of a stamp; to be called in the epoch that the stamp was fetched in.
    func resolve(_ entry: ErrorQueueEntry, _ correlation: ClockCorrelation) -> ResolvedEntry {
        switch entry {
        case .stamp(let number, let stamp):
            tickets.match(kernelNumber: number, stampedAt: correlation.estimate(stamp))
                .map { .stamp($0, stamp) } ?? .discarded
        case .tooBig: .discarded
        case .error(let error): .error(error)
        }
    }

    /// Empties the error queue, which only this socket's sends fill, and in `explainSize` a flood of
    /// ICMP errors.
    func fetchErrorQueue() -> [ErrorQueueEntry] {
        var entries: [ErrorQueueEntry] = []
        for _ in 0..<Self.batchesPerFetch {
            switch transmitted.receive(from: descriptor, flags: CInt(MSG_ERRQUEUE)) {
            case .success(let count):
                for index in 0..<count {
                    if let entry = entry(transmitted.ancillary(at: index)) { entries.append(entry) }
                }
                if count < transmitted.capacity { return entries }
            case .failure(let code):
                entries.append(.error(QueuedError(code, "recvmmsg(MSG_ERRQUEUE)")))
                return entries
            }
        }
        return entries
    }

    private func entry(_ ancillary: Ancillary) -> ErrorQueueEntry? {
        guard let error = ancillary.extendedError else {
            let text = "error queue entry without an extended error"
            return .error(QueuedError(errno: 0, description: text))
        }
        // Kernel documentation, networking/timestamping: ee_errno ENOMSG, ee_info the kind of
        // stamp (SCM_TSTAMP_SND is the one asked for), ee_data the number.
        if error.ee_origin == UInt8(SO_EE_ORIGIN_LOCAL), error.ee_errno == UInt32(EMSGSIZE) {
            return .tooBig(Int(error.ee_info))
        }
        guard error.ee_origin == UInt8(SO_EE_ORIGIN_TIMESTAMPING) else {
            return .error(QueuedError(Errno(CInt(bitPattern: error.ee_errno)), "error queue"))
        }
        guard error.ee_info == UInt32(SCM_TSTAMP_SND), let stamp = ancillary.stamp else {
            return nil
        }
        return .stamp(kernelNumber: error.ee_data, stamp)
    }

    // MARK: - Received messages

    private func report(
        messageAt index: Int, _ correlation: ClockCorrelation,
        _ body: (SocketEvent, RawSpan) -> Void
    ) {
        let packet = unsafe incoming.payload(at: index)
        let ancillary = incoming.ancillary(at: index)
        if let drops = ancillary.receiveDrops {
            receiveDrops += UInt64(drops &- lastDropCount)
            lastDropCount = drops
        }
        let stamped = ancillary.stamp.flatMap {
            correlation.convert(
                $0, notBefore: emptyAt - Self.receiveDelay, notAfter: correlation.sampledAt)
        }
        var message = packet.startIndex
        var source = incoming.ipv6Source(at: index)
        var destination = ancillary.destination
        var hopLimit = ancillary.hopLimit
        var differentiatedServices = ancillary.differentiatedServices
        if options.family == .v4 {
            guard let header = IPv4Framing(unsafe packet.bytes) else {
                malformedPackets += 1
                return
            }
            message = header.byteCount
            source = header.source
            destination = header.destination
            hopLimit = header.timeToLive
            differentiatedServices = header.differentiatedServices
        }
        let received = ReceivedMessage(
            source: source, destination: destination, hopLimit: hopLimit,
            differentiatedServices: differentiatedServices,
            interfaceIndex: ancillary.interfaceIndex,
            at: stamped ?? correlation.sampledAt, stampedByKernel: stamped != nil,
            truncated: incoming.isTruncated(at: index))
        let octets = unsafe UnsafeRawBufferPointer(rebasing: packet[message...])
        body(.received(received), unsafe octets.bytes)
    }
}

/// The fields of a received IPv4 header that a raw socket needs; RFC 791 §3.1.
struct IPv4Framing: Equatable {
    /// The header's length, options included, in octets.
    let byteCount: Int
    let differentiatedServices: UInt8
    let timeToLive: UInt8
    let source: IPAddress
    let destination: IPAddress

    /// Reads the header at the start of `packet`; nil unless it is a whole IPv4 header of an ICMP
    /// packet.
    init?(_ packet: RawSpan) {
        guard packet.byteCount >= 20 else { return nil }
        let versionAndLength = packet.uint8(at: 0)
        byteCount = Int(versionAndLength & 0x0f) * 4
        guard versionAndLength >> 4 == 4, byteCount >= 20, byteCount <= packet.byteCount,
            packet.uint8(at: 9) == UInt8(IPPROTO_ICMP)
        else { return nil }
        differentiatedServices = packet.uint8(at: 1)
        timeToLive = packet.uint8(at: 8)
        source = .v4(packet.bigEndianUInt32(at: 12))
        destination = .v4(packet.bigEndianUInt32(at: 16))
    }
}

extension QueuedError {
    init(_ code: Errno, _ operation: String) {
        self.init(errno: code.number, description: "\(operation): \(code.description)")
    }
}
