import CLinux
import Glibc
import NetworkPrimitives

extension EchoSocket {
    /// How much the receive buffer (error queue included) and the send buffer should hold: 4 MiB.
    ///
    /// A small message takes 0.75 KiB, so this is some five seconds at 1000/s. The send buffer needs
    /// it too: packets that wait for a neighbour that is not there stay in it for 3 s each, and must
    /// not keep the probes of other targets from being sent.
    private static let bufferByteCount: CInt = 4 << 20

    /// Opens a raw ICMP socket and sets everything that does not change from message to message.
    static func open(_ options: EchoSocketOptions) throws(SocketError) -> Descriptor {
        let descriptor: Descriptor
        if let namespace = options.namespace {
            // A socket belongs for good to the namespace it was made in. The number is handed over
            // bare, because the result of a generic function cannot be an owner.
            let made = try NetworkNamespace.run(namespace) { () throws(SocketError) in
                try makeSocket(options)
            }
            descriptor = Descriptor(owning: try made.get())
        } else {
            descriptor = Descriptor(owning: try makeSocket(options))
        }
        let socket = descriptor.number
        try bind(socket, to: options)
        if options.mark != 0 {
            try require(
                setOption(socket, level: SOL_SOCKET, name: SO_MARK, to: options.mark),
                "setsockopt(SO_MARK)", "mark \(options.mark)", capability: "CAP_NET_ADMIN")
        }
        try filter(socket, options)
        if let peer = options.peer { try admitReplies(of: peer, on: socket) }
        try reportDetails(socket, options)
        if options.bypassesPolicies {
            // A refusal matters only where a policy covers everything, and a mark can mend that.
            _ = DatagramSocket.bypassPolicies(socket, options.family)
        }
        enlargeBuffers(socket)
        return descriptor
    }

    private static func makeSocket(_ options: EchoSocketOptions) throws(SocketError) -> CInt {
        let type = CInt(SOCK_RAW.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let (domain, transport, name) =
            switch options.family {
            case .v4: (AF_INET, IPPROTO_ICMP, "AF_INET, SOCK_RAW, IPPROTO_ICMP")
            case .v6: (AF_INET6, IPPROTO_ICMPV6, "AF_INET6, SOCK_RAW, IPPROTO_ICMPV6")
            }
        switch systemCall({ socket(domain, type, CInt(transport)) }) {
        case .success(let number): return number
        case .failure(let code):
            throw SocketError(
                code, operation: "socket(\(name))", object: "ICMP socket",
                capability: "CAP_NET_RAW")
        }
    }

    private static func bind(
        _ socket: CInt, to options: EchoSocketOptions
    ) throws(SocketError) {
        guard let device = options.device else { return }
        let operation = "setsockopt(SO_BINDTODEVICE)"
        let object = "device \(device)"
        // socket(7): an empty name unbinds, and the kernel cuts longer names, which could name
        // another device.
        guard (1..<Int(IFNAMSIZ)).contains(device.utf8.count), !device.utf8.contains(0) else {
            throw SocketError(
                code: .noSuchDevice, errno: 0,
                operation: "a device name has 1 to \(IFNAMSIZ - 1) octets", object: object)
        }
        let name = Array(device.utf8)
        let outcome = systemCall {
            unsafe setsockopt(
                socket, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.count))
        }
        if case .failure(let code) = outcome {
            throw SocketError(
                code, operation: operation, object: object, capability: "CAP_NET_RAW")
        }
    }

    /// Lets in Echo Reply and the errors that a probe can draw; a set bit keeps a type out.
    ///
    /// Echo Requests above all stay out unless they are wanted: a busy host would wake the probe loop
    /// for each.
    private static func filter(
        _ socket: CInt, _ options: EchoSocketOptions
    ) throws(SocketError) {
        switch options.family {
        case .v4:
            var filter = icmp_filter(data: .max)
            for type in [ICMP_ECHOREPLY, ICMP_DEST_UNREACH, ICMP_TIME_EXCEEDED, ICMP_PARAMETERPROB]
            {
                filter.data &= ~(1 << UInt32(type))
            }
            if options.admitsRequests { filter.data &= ~(1 << UInt32(ICMP_ECHO)) }
            try require(
                setOption(socket, level: SOL_RAW, name: ICMP_FILTER, to: filter),
                "setsockopt(ICMP_FILTER)", "ICMP socket")
        case .v6:
            var filter = icmp6_filter(data: (.max, .max, .max, .max, .max, .max, .max, .max))
            filter.data.0 &= ~(1 << UInt32(ICMPV6_DEST_UNREACH))
            filter.data.0 &= ~(1 << UInt32(ICMPV6_PKT_TOOBIG))
            filter.data.0 &= ~(1 << UInt32(ICMPV6_TIME_EXCEED))
            filter.data.0 &= ~(1 << UInt32(ICMPV6_PARAMPROB))
            filter.data.4 &= ~(1 << UInt32(ICMPV6_ECHO_REPLY - 128))
            if options.admitsRequests {
                filter.data.4 &= ~(1 << UInt32(ICMPV6_ECHO_REQUEST - 128))
            }
            try require(
                setOption(socket, level: SOL_ICMPV6, name: ICMPV6_FILTER, to: filter),
                "setsockopt(ICMPV6_FILTER)", "ICMP socket")
        }
    }

    /// Asks for what comes beside a message, and has path MTU discovery out of the way: with it, a
    /// message longer than a learned path MTU fails with EMSGSIZE.
    private static func reportDetails(
        _ socket: CInt, _ options: EchoSocketOptions
    ) throws(SocketError) {
        let isWhole = !options.mayFragment
        var settings: [(level: CInt, name: CInt, value: CInt, text: String)] =
            switch options.family {
            case .v4:
                [
                    (SOL_IP, IP_PKTINFO, 1, "IP_PKTINFO"),
                    (
                        SOL_IP, IP_MTU_DISCOVER,
                        isWhole ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT, "IP_MTU_DISCOVER"
                    ),
                ]
            case .v6:
                [
                    (SOL_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO"),
                    (SOL_IPV6, IPV6_RECVHOPLIMIT, 1, "IPV6_RECVHOPLIMIT"),
                    (SOL_IPV6, IPV6_RECVTCLASS, 1, "IPV6_RECVTCLASS"),
                    (
                        SOL_IPV6, IPV6_MTU_DISCOVER,
                        isWhole ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT, "IPV6_MTU_DISCOVER"
                    ),
                ]
            }
        if isWhole, options.family == .v6 {
            // RFC 3542 §11.2: without it the kernel itself would cut up what exceeds the device's MTU.
            settings.append((SOL_IPV6, IPV6_DONTFRAG, 1, "IPV6_DONTFRAG"))
        }
        for setting in settings + [(SOL_SOCKET, SO_RXQ_OVFL, 1, "SO_RXQ_OVFL")] {
            try require(
                setOption(socket, level: setting.level, name: setting.name, to: setting.value),
                "setsockopt(\(setting.text))", "ICMP socket")
        }
    }

    /// Takes what the system allows: beyond `net.core.rmem_max` and `wmem_max` only with
    /// CAP_NET_ADMIN.
    private static func enlargeBuffers(_ socket: CInt) {
        for (forced, limited) in [(SO_RCVBUFFORCE, SO_RCVBUF), (SO_SNDBUFFORCE, SO_SNDBUF)]
        where setOption(socket, level: SOL_SOCKET, name: forced, to: bufferByteCount) != nil {
            // Cut to the limit and never refused; `receiveDrops` and `SendFailure.Kind.buffersFull`
            // count what it costs.
            _ = setOption(socket, level: SOL_SOCKET, name: limited, to: bufferByteCount)
        }
    }

    private static func require(
        _ refusal: Errno?, _ operation: String, _ object: String, capability: String? = nil
    ) throws(SocketError) {
        guard let refusal else { return }
        throw SocketError(refusal, operation: operation, object: object, capability: capability)
    }
}
