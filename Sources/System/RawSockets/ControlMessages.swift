// Ancillary data (cmsg(3)): what sendmsg(2) is told beside a message, and what recvmsg(2) tells.

import CLinux
import Glibc
import NetworkPrimitives

/// The ancillary data of one received message or error queue entry.
struct Ancillary {
    /// The kernel's software stamp.
    var stamp: WallTime?
    var destination: IPAddress?
    var interfaceIndex: UInt32?
    var hopLimit: UInt8?
    var differentiatedServices: UInt8?
    /// Messages dropped because the receive buffer was full, since the socket was opened; wraps.
    var receiveDrops: UInt32?
    var extendedError: sock_extended_err?
    /// Who sent the ICMP error that `extendedError` is about.
    var offender: IPAddress?

    /// Reads the control messages that recvmsg(2) left in `header`; unknown ones are passed over.
    init(of header: UnsafeMutablePointer<msghdr>) {
        var entry = unsafe clinux_cmsg_firsthdr(header)
        while let current = unsafe entry {
            let length = Int(unsafe current.pointee.cmsg_len) - clinux_cmsg_len(0)
            guard length >= 0 else { return }
            let data = unsafe UnsafeRawBufferPointer(
                start: clinux_cmsg_data(current), count: length)
            unsafe take(current.pointee.cmsg_level, current.pointee.cmsg_type, data)
            unsafe entry = clinux_cmsg_nxthdr(header, current)
        }
    }

    /// ip(7), SO_EE_OFFENDER: a socket address behind the error, of the family AF_UNSPEC when unknown.
    private static func offender(_ data: UnsafeRawBufferPointer) -> IPAddress? {
        let start = MemoryLayout<sock_extended_err>.size
        guard data.count >= start + MemoryLayout<sockaddr_in>.size else { return nil }
        var address = sockaddr_in6()
        unsafe withUnsafeMutableBytes(of: &address) { room in
            unsafe room.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: data[start...].prefix(room.count)))
        }
        switch CInt(address.sin6_family) {
        case AF_INET: return address.addressAndPort.address
        case AF_INET6 where data.count >= start + MemoryLayout<sockaddr_in6>.size:
            return address.addressAndPort.address
        default: return nil
        }
    }

    private mutating func take(_ level: CInt, _ type: CInt, _ data: UnsafeRawBufferPointer) {
        switch (level, type) {
        case (SOL_SOCKET, SO_TIMESTAMPING):
            // SCM_TIMESTAMPING: three timespecs; the first is the software stamp.
            guard let time = unsafe data.value(as: timespec.self),
                time.tv_sec != 0 || time.tv_nsec != 0
            else { return }
            stamp = WallTime(nanoseconds: time.totalNanoseconds)
        case (SOL_SOCKET, SO_RXQ_OVFL):
            receiveDrops = unsafe data.value(as: UInt32.self)
        case (SOL_IP, IP_PKTINFO):
            guard let info = unsafe data.value(as: in_pktinfo.self) else { return }
            interfaceIndex = UInt32(bitPattern: info.ipi_ifindex)
            // ip(7): the local address of the packet, also where it came to a broadcast address.
            destination = .v4(UInt32(bigEndian: info.ipi_spec_dst.s_addr))
        case (SOL_IP, IP_TTL):
            hopLimit = unsafe data.value(as: CInt.self).map { UInt8(truncatingIfNeeded: $0) }
        case (SOL_IPV6, IPV6_PKTINFO):
            guard let info = unsafe data.value(as: clinux_in6_pktinfo.self) else { return }
            interfaceIndex = info.ipi6_ifindex
            destination = IPAddress(info.ipi6_addr)
        case (SOL_IPV6, IPV6_HOPLIMIT):
            hopLimit = unsafe data.value(as: CInt.self).map { UInt8(truncatingIfNeeded: $0) }
        case (SOL_IPV6, IPV6_TCLASS):
            differentiatedServices = unsafe data.value(as: CInt.self)
                .map { UInt8(truncatingIfNeeded: $0) }
        case (SOL_IP, IP_RECVERR), (SOL_IPV6, IPV6_RECVERR):
            extendedError = unsafe data.value(as: sock_extended_err.self)
            offender = unsafe Self.offender(data)
        default:
            return
        }
    }
}

/// Room for the ancillary data of one message to send, written anew for each.
@safe struct AncillaryWriter: ~Copyable {
    /// PKTINFO of either family, traffic class and hop limit, with their headers and padding.
    private static let capacity = clinux_cmsg_space(20) + 2 * clinux_cmsg_space(4)

    private let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: capacity, alignment: MemoryLayout<cmsghdr>.alignment)
    private var used = 0

    deinit {
        unsafe buffer.deallocate()
    }

    mutating func removeAll() {
        used = 0
    }

    /// Appends a control message whose data is `value`, a C type of plain numbers.
    mutating func append<Value>(level: CInt, type: CInt, _ value: Value) {
        let length = MemoryLayout<Value>.size
        precondition(used + clinux_cmsg_space(length) <= Self.capacity, "too much ancillary data")
        var header = cmsghdr()
        header.cmsg_len = clinux_cmsg_len(length)
        header.cmsg_level = level
        header.cmsg_type = type
        unsafe buffer.storeBytes(of: header, toByteOffset: used, as: cmsghdr.self)
        unsafe buffer.storeBytes(
            of: value, toByteOffset: used + clinux_cmsg_len(0), as: Value.self)
        used += clinux_cmsg_space(length)
    }

    /// Appends the address to send from; nothing for nil.
    mutating func append(source: IPAddress?) {
        switch source {
        case .v4(let bits):
            let info = in_pktinfo(
                ipi_ifindex: 0, ipi_spec_dst: in_addr(s_addr: bits.bigEndian), ipi_addr: in_addr())
            append(level: SOL_IP, type: IP_PKTINFO, info)
        case .v6:
            let info = clinux_in6_pktinfo(
                ipi6_addr: source?.in6Address ?? in6_addr(), ipi6_ifindex: 0)
            append(level: SOL_IPV6, type: IPV6_PKTINFO, info)
        case nil: break
        }
    }

    /// Lets `header` point at what was appended; valid until the next change.
    func attach(to header: inout msghdr) {
        unsafe header.msg_control = used == 0 ? nil : buffer.baseAddress
        unsafe header.msg_controllen = used
    }
}

extension UnsafeRawBufferPointer {
    /// The value at the start; nil when the buffer is too short for one.
    ///
    /// `Value` is a C type of plain numbers. The kernel aligns control data for all of them.
    fileprivate func value<Value>(as type: Value.Type) -> Value? {
        guard count >= MemoryLayout<Value>.size else { return nil }
        return unsafe load(as: type)
    }
}
