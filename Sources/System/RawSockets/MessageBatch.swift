import CLinux
import Glibc
import NetworkPrimitives

/// Buffers for reading many messages with one recvmmsg(2), allocated once.
@safe struct MessageBatch: ~Copyable {
    /// Enough for every control message a socket asks for.
    private static let ancillaryByteCount = 256

    let capacity: Int
    private let payloadByteCount: Int
    private let headers: UnsafeMutableBufferPointer<clinux_mmsghdr>
    private let vectors: UnsafeMutableBufferPointer<iovec>
    private let names: UnsafeMutableBufferPointer<sockaddr_in6>
    private let payloads: UnsafeMutableRawBufferPointer
    private let ancillary: UnsafeMutableRawBufferPointer

    /// Room for `capacity` messages of up to `payloadByteCount` octets.
    ///
    /// Memory that no message reaches is never touched, so roomy payloads cost address space only.
    init(capacity: Int, payloadByteCount: Int) {
        self.capacity = capacity
        self.payloadByteCount = payloadByteCount
        unsafe headers = .allocate(capacity: capacity)
        unsafe vectors = .allocate(capacity: capacity)
        unsafe names = .allocate(capacity: capacity)
        unsafe payloads = .allocate(byteCount: capacity * payloadByteCount, alignment: 16)
        unsafe ancillary = .allocate(
            byteCount: capacity * Self.ancillaryByteCount,
            alignment: MemoryLayout<cmsghdr>.alignment)
        unsafe headers.initialize(repeating: clinux_mmsghdr())
        unsafe names.initialize(repeating: sockaddr_in6())
        unsafe vectors.initialize(repeating: iovec())
        for index in 0..<capacity {
            unsafe vectors[index] = iovec(
                iov_base: payloads.baseAddress?.advanced(by: index * payloadByteCount),
                iov_len: payloadByteCount)
        }
    }

    deinit {
        unsafe headers.deallocate()
        unsafe vectors.deallocate()
        unsafe names.deallocate()
        unsafe payloads.deallocate()
        unsafe ancillary.deallocate()
    }

    /// Reads as many messages as there are, up to `capacity`; 0 when there are none.
    mutating func receive(from descriptor: CInt, flags: CInt = 0) -> Result<Int, Errno> {
        for index in 0..<capacity {
            unsafe headers[index].msg_hdr = msghdr(
                msg_name: UnsafeMutableRawPointer(names.baseAddress?.advanced(by: index)),
                msg_namelen: socklen_t(MemoryLayout<sockaddr_in6>.size),
                msg_iov: vectors.baseAddress?.advanced(by: index), msg_iovlen: 1,
                msg_control: ancillary.baseAddress?
                    .advanced(by: index * Self.ancillaryByteCount),
                msg_controllen: Self.ancillaryByteCount, msg_flags: 0)
        }
        let outcome = systemCall {
            unsafe clinux_recvmmsg(
                descriptor, headers.baseAddress, UInt32(capacity), flags | CInt(MSG_DONTWAIT))
        }
        switch outcome {
        case .success(let count): return .success(Int(count))
        case .failure(let code) where code.number == EAGAIN: return .success(0)
        case .failure(let code): return .failure(code)
        }
    }

    /// The octets of the message at `index`, as many as there was room for.
    func payload(at index: Int) -> UnsafeRawBufferPointer {
        let length = unsafe min(Int(headers[index].msg_len), payloadByteCount)
        let start = index * payloadByteCount
        return unsafe UnsafeRawBufferPointer(rebasing: payloads[start..<(start + length)])
    }

    /// The IPv6 source address of the message at `index`.
    func ipv6Source(at index: Int) -> IPAddress {
        unsafe IPAddress(names[index].sin6_addr)
    }

    /// The source address and port of the message at `index`, of either family; of an entry of the
    /// error queue, where the failed message went to.
    func source(at index: Int) -> (address: IPAddress, port: UInt16) {
        unsafe names[index].addressAndPort
    }

    /// Whether the message at `index` was longer than its room.
    func isTruncated(at index: Int) -> Bool {
        unsafe headers[index].msg_hdr.msg_flags & CInt(MSG_TRUNC) != 0
    }

    /// What the kernel told beside the message at `index`.
    func ancillary(at index: Int) -> Ancillary {
        precondition(index < capacity, "message outside the batch")
        guard let header = unsafe headers.baseAddress?.advanced(by: index) else {
            preconditionFailure("a batch of no messages")
        }
        return unsafe header.withMemoryRebound(to: msghdr.self, capacity: 1) { header in
            unsafe Ancillary(of: header)
        }
    }
}
