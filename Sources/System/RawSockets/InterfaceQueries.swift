// What a socket can be asked about the devices and addresses of its network namespace, wherever the
// asking thread is (netdevice(7)). Used after a send failed, to tell causes apart that share an errno.

import CLinux
import Glibc
import NetworkPrimitives

/// The index of the device that a socket is bound to; 0 for none.
func boundInterface(of socket: CInt) -> CInt {
    var index: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    let result = unsafe getsockopt(socket, SOL_SOCKET, SO_BINDTOIFINDEX, &index, &length)
    return result == 0 ? index : 0
}

/// Whether a device with that index exists; true when the kernel does not say.
func interfaceExists(_ index: CInt, for socket: CInt) -> Bool {
    var request = unsafe ifreq()
    unsafe request.ifr_ifru.ifru_ivalue = index
    let result = unsafe clinux_ioctl(socket, UInt(SIOCGIFNAME), &request)
    return result == 0 || errno != ENODEV
}

/// Whether an IPv4 address is on a device; true when the kernel does not say.
func isLocal(_ address: IPAddress, for socket: CInt) -> Bool {
    if address.isLoopback { return true }
    // Two calls, the first for the size. Addresses added in between are cut off, which makes the
    // second fill the buffer.
    var list = unsafe ifconf()
    guard unsafe clinux_ioctl(socket, UInt(SIOCGIFCONF), &list) == 0 else { return true }
    let capacity = unsafe Int(list.ifc_len) / MemoryLayout<ifreq>.stride + 16
    return unsafe withUnsafeTemporaryAllocation(of: ifreq.self, capacity: capacity) { entries in
        unsafe list.ifc_len = CInt(capacity * MemoryLayout<ifreq>.stride)
        unsafe list.ifc_ifcu.ifcu_req = entries.baseAddress
        guard unsafe clinux_ioctl(socket, UInt(SIOCGIFCONF), &list) == 0 else { return true }
        let count = unsafe Int(list.ifc_len) / MemoryLayout<ifreq>.stride
        if count == capacity { return true }
        return unsafe entries[..<count].contains { entry in
            let name = unsafe entry.ifr_ifru.ifru_addr
            return unsafe withUnsafeBytes(of: name) { bytes in
                // struct sockaddr_in: the address follows family and port.
                unsafe address
                    == .v4(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self).bigEndian)
            }
        }
    }
}
