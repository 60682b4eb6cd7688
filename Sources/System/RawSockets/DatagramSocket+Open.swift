import CLinux
import Glibc
import NetworkPrimitives

extension DatagramSocket {
    /// Opens a UDP socket in a namespace, with its device and mark.
    static func open(
        _ options: EchoSocketOptions, _ family: IPAddress.Family
    ) throws(SocketError) -> Descriptor {
        let descriptor: Descriptor
        if let namespace = options.namespace {
            let made = try NetworkNamespace.run(namespace) { () throws(SocketError) in
                try makeSocket(family)
            }
            descriptor = Descriptor(owning: try made.get())
        } else {
            descriptor = Descriptor(owning: try makeSocket(family))
        }
        if let device = options.device {
            try bindToDevice(descriptor.number, device)
        }
        if options.mark != 0,
            let code = setOption(
                descriptor.number, level: SOL_SOCKET, name: SO_MARK, to: options.mark)
        {
            throw SocketError(
                code, operation: "setsockopt(SO_MARK)", object: "mark \(options.mark)",
                capability: "CAP_NET_ADMIN")
        }
        return descriptor
    }

    static func makeSocket(_ family: IPAddress.Family) throws(SocketError) -> CInt {
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        switch systemCall({ socket(family == .v4 ? AF_INET : AF_INET6, type, 0) }) {
        case .success(let number): return number
        case .failure(let code):
            throw SocketError(code, operation: "socket(SOCK_DGRAM)", object: "UDP socket")
        }
    }

    private static func bindToDevice(_ socket: CInt, _ device: String) throws(SocketError) {
        // socket(7): the kernel cuts longer names, which could name another device.
        guard (1..<Int(IFNAMSIZ)).contains(device.utf8.count), !device.utf8.contains(0) else {
            throw SocketError(
                code: .noSuchDevice, errno: 0,
                operation: "a device name has 1 to \(IFNAMSIZ - 1) octets",
                object: "device \(device)")
        }
        let name = Array(device.utf8)
        let outcome = systemCall {
            unsafe setsockopt(
                socket, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.count))
        }
        if case .failure(let code) = outcome {
            throw SocketError(
                code, operation: "setsockopt(SO_BINDTODEVICE)", object: "device \(device)",
                capability: "CAP_NET_RAW")
        }
    }

    static func connect(_ socket: CInt, to remote: IPAddress) throws(SocketError) {
        var address = remote.socketAddress
        address.sin6_port = UInt16(500).bigEndian
        let length = socklen_t(remote.socketAddressByteCount)
        let outcome = systemCall {
            unsafe withUnsafePointer(to: &address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    unsafe Glibc.connect(socket, address, length)
                }
            }
        }
        if case .failure(let code) = outcome {
            throw SocketError(code, operation: "connect", object: "route to \(remote)")
        }
    }

    static func bind(
        _ socket: CInt, to source: IPAddress, port: UInt16 = 0
    ) throws(SocketError) {
        var address = source.socketAddress
        address.sin6_port = port.bigEndian
        let length = socklen_t(source.socketAddressByteCount)
        let outcome = systemCall {
            unsafe withUnsafePointer(to: &address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    unsafe Glibc.bind(socket, address, length)
                }
            }
        }
        if case .failure(let code) = outcome {
            throw SocketError(code, operation: "bind", object: "source address \(source)")
        }
    }

    /// The address and port that a socket is bound to.
    static func name(
        of socket: CInt
    ) throws(SocketError) -> (address: IPAddress, port: UInt16) {
        var address = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let outcome = systemCall {
            unsafe withUnsafeMutablePointer(to: &address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    unsafe getsockname(socket, address, &length)
                }
            }
        }
        if case .failure(let code) = outcome {
            throw SocketError(code, operation: "getsockname", object: "UDP socket")
        }
        return address.addressAndPort
    }

    /// Lets the socket's packets pass the IPsec policies of this host, as IKE daemons do with theirs:
    /// a policy for everything would put the probe into the tunnel that it asks about.
    ///
    /// - Returns: why that was refused; nil when it was done.
    static func bypassPolicies(_ socket: CInt, _ family: IPAddress.Family) -> String? {
        let (level, name) =
            family == .v4 ? (SOL_IP, IP_XFRM_POLICY) : (SOL_IPV6, IPV6_XFRM_POLICY)
        for direction in [XFRM_POLICY_OUT, XFRM_POLICY_IN] {
            var policy = xfrm_userpolicy_info()
            policy.sel.family = family == .v4 ? UInt16(AF_INET) : UInt16(AF_INET6)
            policy.action = UInt8(XFRM_POLICY_ALLOW)
            policy.dir = UInt8(direction)
            let result = unsafe withUnsafeBytes(of: &policy) { bytes in
                unsafe setsockopt(socket, level, name, bytes.baseAddress, socklen_t(bytes.count))
            }
            if result != 0 { return Errno(errno).description }
        }
        return nil
    }
}

extension sockaddr_in6 {
    /// Address and port of a name that the kernel wrote, of either family.
    var addressAndPort: (address: IPAddress, port: UInt16) {
        // sockaddr_in has its address where sockaddr_in6 has the flow label, see `socketAddress`.
        let address =
            CInt(sin6_family) == AF_INET
            ? IPAddress.v4(sin6_flowinfo.bigEndian) : IPAddress(sin6_addr)
        return (address, UInt16(bigEndian: sin6_port))
    }
}
