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
    /// Above the 32 KiB that the kernel fills datagrams of a dump up to.
    ///
    /// With a smaller buffer it makes smaller datagrams, and an element that does not fit into an
    /// empty one is left out without a word (seen with Linux 6.18: a device with many names and a
    /// buffer of 4 KiB).
    private static let bufferByteCount = 64 * 1024
    /// The kernel answers while it is being asked; this only bounds a broken one.
    private static let timeoutSeconds = 2

    private let handle: OpaquePointer
    private let descriptor: Int32
    private let object: String
    private(set) var buffer: ReceiveBuffer
    private(set) var counters = NetlinkCounters()

    /// What opening a socket is called in errors.
    static func opening(_ protocol: Int32) -> String {
        `protocol` == NETLINK_XFRM ? "open an XFRM socket" : "open a netlink socket"
    }

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
        let operation = Self.opening(`protocol`)
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
        descriptor: Int32, protocol: Int32, object: String,
        bufferByteCount: Int = Self.bufferByteCount
    ) throws(NetlinkError) {
        guard let handle = unsafe nl_socket_alloc() else {
            _ = close(descriptor)
            throw NetlinkError(
                errno: ENOMEM, operation: Self.opening(`protocol`), object: object)
        }
        guard unsafe nl_socket_set_fd(handle, `protocol`, descriptor) == 0 else {
            unsafe nl_socket_free(handle)
            _ = close(descriptor)
            throw NetlinkError(
                errno: EINVAL, operation: Self.opening(`protocol`), object: object)
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
        var elements: [Element] = []
        try exchange(request, answerType: answerType, until: .done) {
            elements = []
        } parse: { (payload) throws(KernelMessageError) in
            try parse(payload, &elements)
        }
        return elements
    }

    /// The one message that answers a request.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - answerType: The type of the message.
    ///   - parse: Reads it.
    /// - Returns: What `parse` returned.
    /// - Throws: `NetlinkError` with the kernel's `errno` for a refusal, `malformedAnswer` for a
    ///   message of another type or one that cannot be read.
    mutating func answer<Element>(
        _ request: NetlinkRequest, answerType: Int,
        _ parse: (RawSpan) throws(KernelMessageError) -> Element
    ) throws(NetlinkError) -> Element {
        var element: Element?
        try exchange(request, answerType: answerType, until: .firstMessage) {
            element = nil
        } parse: { (payload) throws(KernelMessageError) in
            element = try parse(payload)
        }
        guard let element else {
            throw NetlinkError(.malformedAnswer, operation: request.operation, object: object)
        }
        return element
    }

    /// Sends a request and reads its answer to the end, as often as it takes to get it whole.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - answerType: The type of messages that hold elements.
    ///   - terminator: What ends the answer.
    ///   - restart: Called before each attempt.
    ///   - parse: Takes the payload of each message with elements.
    /// - Throws: `NetlinkError` when the kernel refuses or no attempt succeeds.
    private mutating func exchange(
        _ request: NetlinkRequest, answerType: Int, until terminator: NetlinkAnswer.Terminator,
        restart: () -> Void, parse: (RawSpan) throws(KernelMessageError) -> Void
    ) throws(NetlinkError) {
        var last = NetlinkError.Code.interrupted
        for _ in 0..<Self.attempts {
            restart()
            let (sequence, failure) = unsafe request.send(on: handle)
            guard failure == 0 else {
                throw NetlinkError(errno: failure, operation: request.operation, object: object)
            }
            var answer = NetlinkAnswer(
                sequence: sequence, type: answerType, terminator: terminator)
            while !answer.isFinished {
                switch buffer.receive(from: descriptor) {
                case .datagram(let byteCount):
                    answer.receive(byteCount: byteCount, in: buffer, parse)
                case .stranger:
                    counters.malformedMessages += 1
                case .overrun:
                    counters.overruns += 1
                    answer.noteOverrun()
                case .failed(let failure):
                    throw NetlinkError(
                        errno: failure, operation: request.operation, object: object)
                }
            }
            counters.malformedMessages += answer.malformedMessages
            guard answer.refusal == 0 else {
                throw NetlinkError(
                    errno: answer.refusal, operation: request.operation, object: object)
            }
            switch answer.condition {
            case .complete:
                return
            case .interrupted:
                counters.interruptedDumps += 1
                last = .interrupted
            case .overrun:
                last = .overrun
            case .bufferTooSmall(let needed):
                buffer = ReceiveBuffer(byteCount: needed)
                last = .overrun
            }
        }
        throw NetlinkError(last, operation: request.operation, object: object)
    }
}
