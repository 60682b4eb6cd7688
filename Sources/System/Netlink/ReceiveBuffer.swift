import CNetlink
import Glibc
import KernelState

/// The memory that netlink answers are received into, and the only place where keys of SAs are in
/// this process.
///
/// A dump of SAs carries their keys; the kernel has no way to leave them out. libnl's own receive
/// functions copy each message to the heap and free it as it is, so messages are read here, in
/// place, and overwritten as soon as they have been read. The pages are left out of core dumps.
@safe
struct ReceiveBuffer: ~Copyable {
    private(set) var bytes: UnsafeMutableRawBufferPointer

    /// Maps `byteCount` octets, rounded up to pages.
    init(byteCount: Int) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let rounded = (max(byteCount, 1) + page - 1) / page * page
        let start = unsafe mmap(
            nil, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start = unsafe start, unsafe start != MAP_FAILED else {
            preconditionFailure("no memory for a receive buffer of \(rounded) octets")
        }
        unsafe bytes = UnsafeMutableRawBufferPointer(start: start, count: rounded)
        // A kernel without it writes the pages to a core dump; nothing else depends on it.
        _ = unsafe madvise(start, rounded, MADV_DONTDUMP)
    }

    deinit {
        guard let start = unsafe bytes.baseAddress else { return }
        unsafe explicit_bzero(start, bytes.count)
        _ = unsafe munmap(start, bytes.count)
    }

    /// The most octets a datagram may have.
    var byteCount: Int { unsafe bytes.count }

    /// Whether every octet is zero.
    var isZero: Bool { unsafe bytes.allSatisfy { $0 == 0 } }

    /// What one look at a socket brought.
    enum Received {
        /// The length on the wire, which may exceed the buffer.
        case datagram(byteCount: Int)
        /// Not from the kernel; overwritten.
        case stranger
        /// The kernel had to drop something.
        case overrun
        /// Nothing, and the error number.
        case failed(Int32)
    }

    /// Receives one datagram at the start of the buffer.
    ///
    /// - Parameters:
    ///   - descriptor: The socket.
    ///   - flags: Flags of recv(2) besides MSG_TRUNC.
    /// - Returns: What came.
    func receive(from descriptor: Int32, flags: Int32 = 0) -> Received {
        while true {
            var sender = sockaddr_nl()
            var senderByteCount = socklen_t(MemoryLayout<sockaddr_nl>.size)
            // > MSG_TRUNC […] return the real length of the packet or datagram, even when it was
            // > longer than the passed buffer. (recv(2))
            let count = unsafe withUnsafeMutablePointer(to: &sender) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe recvfrom(
                        descriptor, bytes.baseAddress, bytes.count, Int32(MSG_TRUNC) | flags, $0,
                        &senderByteCount)
                }
            }
            if count >= 0 {
                guard sender.nl_pid == 0 else {
                    _ = forEachMessage(byteCount: min(count, byteCount)) { _, _ in }
                    return .stranger
                }
                return .datagram(byteCount: count)
            }
            switch errno {
            case EINTR: continue
            case ENOBUFS: return .overrun
            case let failure: return .failed(failure)
            }
        }
    }

    /// Reads the messages of one datagram and overwrites each with zeros when `body` returns.
    ///
    /// - Parameters:
    ///   - byteCount: The length of the datagram at the start of the buffer.
    ///   - body: Receives the header and the payload after it.
    /// - Returns: Whether the datagram was nothing but whole messages.
    /// - Precondition: `byteCount` is within the buffer.
    func forEachMessage(
        byteCount: Int, _ body: (_ header: nlmsghdr, _ payload: RawSpan) -> Void
    ) -> Bool {
        precondition(byteCount >= 0 && byteCount <= self.byteCount, "datagram outside the buffer")
        guard byteCount > 0, let start = unsafe bytes.baseAddress else { return true }
        // Also what stands after the last whole message.
        defer { unsafe explicit_bzero(start, byteCount) }
        var message = unsafe start.assumingMemoryBound(to: nlmsghdr.self)
        var remaining = Int32(byteCount)
        while unsafe nlmsg_ok(message, remaining) != 0 {
            let header = unsafe message.pointee
            let payload = unsafe UnsafeRawBufferPointer(
                start: nlmsg_data(message), count: Int(nlmsg_datalen(message)))
            unsafe body(header, payload.bytes)
            // The header must be read for the step before it is overwritten.
            guard let next = unsafe nlmsg_next(message, &remaining) else { break }
            unsafe explicit_bzero(message, Int(header.nlmsg_len))
            unsafe message = next
        }
        return remaining <= 0
    }
}
