import CNetlink
import Glibc

/// A netlink request: a fixed struct and attributes, in the caller's octets.
struct NetlinkRequest {
    /// RTM_… or XFRM_MSG_….
    var type: Int32
    /// NLM_F_… beyond NLM_F_REQUEST.
    var flags: Int32 = 0
    /// The fixed struct, empty for none.
    var header: [UInt8] = []
    /// Attributes by type.
    var attributes: [(type: Int32, payload: [UInt8])] = []
    /// What an error says was tried.
    var operation: String

    /// Sends it on a libnl socket, which numbers it.
    ///
    /// - Parameter handle: The socket.
    /// - Returns: The sequence number; `failure` is an `errno`, or 0 when it was sent.
    func send(on handle: OpaquePointer) -> (sequence: UInt32, failure: Int32) {
        guard let message = unsafe nlmsg_alloc_simple(type, flags | NLM_F_REQUEST) else {
            return (0, ENOMEM)
        }
        defer { unsafe nlmsg_free(message) }
        var octets = header
        guard unsafe nlmsg_append(message, &octets, octets.count, Int32(NLMSG_ALIGNTO)) == 0 else {
            return (0, ENOMEM)
        }
        for (type, payload) in attributes {
            guard unsafe nla_put(message, type, Int32(payload.count), payload) == 0 else {
                return (0, ENOMEM)
            }
        }
        // Fills in sequence number and port. It returns a code of libnl's own, fewer than errno's.
        errno = 0
        guard unsafe nl_send_auto(handle, message) >= 0 else {
            return (0, errno == 0 ? EIO : errno)
        }
        return unsafe (nlmsg_hdr(message).pointee.nlmsg_seq, 0)
    }
}

extension [UInt8] {
    /// Appends a 32-bit number in host order.
    mutating func append(host value: UInt32) {
        unsafe Swift.withUnsafeBytes(of: value) { unsafe append(contentsOf: $0) }
    }
}
