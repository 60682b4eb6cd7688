import CNetlink
import Glibc
import KernelState

/// What went wrong without an error to throw, counted since the reader was made.
struct NetlinkCounters {
    var malformedMessages: UInt64 = 0
    var interruptedDumps: UInt64 = 0
    var overruns: UInt64 = 0
}

/// One netlink socket and the buffer its answers are read in.
///
/// libnl owns the socket, numbers requests and builds them; answers are received into memory of
/// ours (see `ReceiveBuffer`).
@safe
struct NetlinkSocket: ~Copyable {
    private static let attempts = 5
    /// The kernel answers while it is being asked; this only bounds a broken one.
    private static let timeoutSeconds = 2

    private let handle: OpaquePointer
    private let descriptor: Int32
    private let object: String
    private(set) var buffer: ReceiveBuffer
    private(set) var counters = NetlinkCounters()

    /// Opens a descriptor in the network namespace of the calling thread.
    ///
    /// - Parameters:
    ///   - protocol: NETLINK_ROUTE or NETLINK_XFRM.
    ///   - object: What an error says it was tried on.
    /// - Returns: The descriptor, which the caller owns.
    /// - Throws: `NetlinkError` when the kernel refuses.
    static func openDescriptor(
        protocol: Int32, object: String
    ) throws(NetlinkError) -> Int32 {
        let operation = "open a netlink socket"
        let descriptor = socket(
            AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), `protocol`)
        guard descriptor >= 0 else {
            throw NetlinkError(errno: errno, operation: operation, object: object)
        }
        // The kernel picks a free port for an address with port 0.
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        var timeout = timeval(tv_sec: Self.timeoutSeconds, tv_usec: 0)
        let bound = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
            }
        }
        guard bound == 0,
            unsafe setsockopt(
                descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout,
                socklen_t(MemoryLayout<timeval>.size)) == 0
        else {
            let failure = errno
            _ = close(descriptor)
            throw NetlinkError(errno: failure, operation: operation, object: object)
        }
        return descriptor
    }

    /// Takes over a descriptor of `openDescriptor`, and closes it in the end.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor.
    ///   - protocol: What it was opened for.
    ///   - object: What an error says it was tried on.
    ///   - bufferByteCount: The size of the buffer at first; it grows to fit an answer.
    /// - Throws: `NetlinkError` without memory; the descriptor is closed then too.
    init(
        descriptor: Int32, protocol: Int32, object: String, bufferByteCount: Int = 64 * 1024
    ) throws(NetlinkError) {
        guard let handle = unsafe nl_socket_alloc() else {
            _ = close(descriptor)
            throw NetlinkError(
                errno: ENOMEM, operation: "open a netlink socket", object: object)
        }
        guard unsafe nl_socket_set_fd(handle, `protocol`, descriptor) == 0 else {
            unsafe nl_socket_free(handle)
            _ = close(descriptor)
            throw NetlinkError(
                errno: EINVAL, operation: "open a netlink socket", object: object)
        }
        // The answer itself ends a request; an acknowledgement after it would be one more message.
        unsafe nl_socket_disable_auto_ack(handle)
        unsafe self.handle = handle
        self.descriptor = descriptor
        self.object = object
        buffer = ReceiveBuffer(byteCount: bufferByteCount)
    }

    deinit {
        // Closes the descriptor too.
        unsafe nl_socket_free(handle)
    }

    /// All elements of a table.
    ///
    /// Starts over when the table changed under the dump (NLM_F_DUMP_INTR) or answers were lost.
    ///
    /// - Parameters:
    ///   - request: The request; NLM_F_DUMP is added to its flags.
    ///   - answerType: The type of messages that hold elements; others are left out.
    ///   - parse: Appends what one message says; a message it throws for is counted and left out.
    /// - Returns: The elements in the kernel's order.
    /// - Throws: `NetlinkError` when the kernel refuses or no attempt succeeds.
    mutating func dump<Element>(
        _ request: NetlinkRequest, answerType: Int,
        _ parse: (RawSpan, inout [Element]) throws(KernelMessageError) -> Void
    ) throws(NetlinkError) -> [Element] {
        var request = request
        request.flags |= NLM_F_DUMP
        var last = NetlinkError.Code.interrupted
        for _ in 0..<Self.attempts {
            var elements: [Element] = []
            let end = try exchange(request, answerType: answerType, until: .done) {
                (payload) throws(KernelMessageError) in try parse(payload, &elements)
            }
            switch end {
            case .complete:
                return elements
            case .interrupted:
                counters.interruptedDumps += 1
                last = .interrupted
            case .overrun:
                counters.overruns += 1
                last = .overrun
            case .bufferTooSmall(let needed):
                buffer = ReceiveBuffer(byteCount: needed)
                last = .overrun
            }
        }
        throw NetlinkError(last, operation: request.operation, object: object)
    }

    /// The one message that answers a request; throws with the kernel's `errno` for a refusal.
    mutating func answer<Element>(
        _ request: NetlinkRequest, answerType: Int,
        _ parse: (RawSpan) throws(KernelMessageError) -> Element
    ) throws(NetlinkError) -> Element {
        var element: Element?
        let end = try exchange(request, answerType: answerType, until: .firstMessage) {
            (payload) throws(KernelMessageError) in element = try parse(payload)
        }
        guard case .complete = end, let element else {
            throw NetlinkError(.malformedAnswer, operation: request.operation, object: object)
        }
        return element
    }

    /// What ends an answer.
    private enum Terminator {
        /// NLMSG_DONE, after any number of messages.
        case done
        /// The first message.
        case firstMessage
    }

    /// How an answer ended.
    private enum Ending {
        case complete, interrupted, overrun
        case bufferTooSmall(needed: Int)
    }

    /// Sends a request and reads its answer to the end, so that the next one finds the socket empty.
    private mutating func exchange(
        _ request: NetlinkRequest, answerType: Int, until terminator: Terminator,
        _ parse: (RawSpan) throws(KernelMessageError) -> Void
    ) throws(NetlinkError) -> Ending {
        let (sequence, failure) = unsafe request.send(on: handle)
        guard failure == 0 else {
            throw NetlinkError(errno: failure, operation: request.operation, object: object)
        }
        var ending = Ending.complete
        var finished = false
        var refusal: Int32 = 0
        var malformed: UInt64 = 0
        while !finished {
            let byteCount: Int
            switch try receive(request) {
            case .datagram(let count): byteCount = count
            case .stranger: continue
            case .overrun:
                ending = .overrun
                continue
            }
            guard byteCount <= buffer.byteCount else {
                // The rest of the dump is read, and dropped, by the loop; then it starts over.
                ending = .bufferTooSmall(needed: byteCount)
                _ = buffer.forEachMessage(byteCount: buffer.byteCount) { _, _ in }
                if terminator == .firstMessage { finished = true }
                continue
            }
            let whole = buffer.forEachMessage(byteCount: byteCount) { header, payload in
                // Of an earlier request that was given up.
                guard header.nlmsg_seq == sequence else { return }
                if Int32(header.nlmsg_flags) & NLM_F_DUMP_INTR != 0 { ending = .interrupted }
                switch Int(header.nlmsg_type) {
                case Int(NLMSG_NOOP):
                    break
                case Int(NLMSG_ERROR), Int(NLMSG_DONE):
                    // Both open with an int: 0, or minus the error that ended the answer.
                    finished = true
                    if payload.byteCount >= 4 {
                        refusal = unsafe 0 &- payload.unsafeLoadUnaligned(as: Int32.self)
                    }
                case answerType:
                    do throws(KernelMessageError) {
                        try parse(payload)
                    } catch {
                        malformed += 1
                    }
                    if terminator == .firstMessage { finished = true }
                default:
                    malformed += 1
                    if terminator == .firstMessage { finished = true }
                }
            }
            if !whole { malformed += 1 }
        }
        counters.malformedMessages += malformed
        guard refusal == 0 else {
            throw NetlinkError(errno: refusal, operation: request.operation, object: object)
        }
        return ending
    }

    private enum Received {
        /// The length on the wire, which may exceed the buffer.
        case datagram(byteCount: Int)
        /// Not from the kernel; overwritten.
        case stranger
        /// The kernel had to drop something.
        case overrun
    }

    private mutating func receive(_ request: NetlinkRequest) throws(NetlinkError) -> Received {
        while true {
            var sender = sockaddr_nl()
            var senderByteCount = socklen_t(MemoryLayout<sockaddr_nl>.size)
            // > MSG_TRUNC […] return the real length of the packet or datagram, even when it was
            // > longer than the passed buffer. (recv(2))
            let count = unsafe withUnsafeMutablePointer(to: &sender) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe recvfrom(
                        descriptor, buffer.bytes.baseAddress, buffer.bytes.count,
                        Int32(MSG_TRUNC), $0, &senderByteCount)
                }
            }
            if count >= 0 {
                guard sender.nl_pid == 0 else {
                    let held = min(count, buffer.byteCount)
                    _ = buffer.forEachMessage(byteCount: held) { _, _ in }
                    counters.malformedMessages += 1
                    return .stranger
                }
                return .datagram(byteCount: count)
            }
            switch errno {
            case EINTR: continue
            case ENOBUFS: return .overrun
            default:
                throw NetlinkError(errno: errno, operation: request.operation, object: object)
            }
        }
    }
}
