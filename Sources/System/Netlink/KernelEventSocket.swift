import CNetlink
import Glibc
public import KernelState

/// Hears what the kernel tells of SAs, policies, devices, addresses and rules in one namespace.
///
/// Belongs to one thread. Not subscribed to: routes and neighbours, of which a router with a full
/// table changes thousands a second, and XFRM_MSG_NEWAE, which tells counters that a dump tells too.
@safe
public final class KernelEventSocket {
    /// Which part of netlink a subscription is for.
    public enum Family: CaseIterable, Sendable {
        /// SAs and policies; needs CAP_NET_ADMIN.
        case xfrm
        /// Devices, addresses, rules.
        case route
    }

    /// What a drain of a socket came to besides its events.
    public struct Counts: Equatable, Sendable {
        /// Messages that could not be read.
        public var malformedMessages: UInt64 = 0
        /// Times that the kernel dropped events for lack of socket memory.
        public var overruns: UInt64 = 0
    }

    /// Descriptors, which unlike sockets may be made on one thread and used on another.
    private struct Descriptors: Sendable {
        let xfrm: Result<Int32, NetlinkError>
        let route: Result<Int32, NetlinkError>

        init(object: String) {
            func open(_ family: Int32) -> Result<Int32, NetlinkError> {
                Result { () throws(NetlinkError) -> Int32 in
                    try NetlinkSocket.openDescriptor(protocol: family, object: object)
                }
            }
            xfrm = open(NETLINK_XFRM)
            route = open(NETLINK_ROUTE)
        }
    }

    /// One subscribed socket.
    @safe private struct Subscription {
        let handle: OpaquePointer
        let descriptor: Int32
    }

    /// Some thousand events.
    private static let socketByteCount = 4 << 20
    /// An event is at most a few KiB; an SA's device or a policy with six templates is not larger.
    private static let bufferByteCount = 64 * 1024
    /// Messages read in one drain, so that a flood of events starves nobody.
    private static let drainLimit = 4096

    private var subscriptions: [Family: Subscription] = [:]
    /// Why there are no events of a family; empty when both are subscribed to.
    public private(set) var reasons: [Family: String] = [:]
    /// What all drains came to.
    public private(set) var counts = Counts()
    private let socketByteCount: Int32
    private let buffer = ReceiveBuffer(byteCount: bufferByteCount)

    /// Subscribes in a network namespace.
    ///
    /// - Parameter namespace: A name of /run/netns; nil or empty for the process's own.
    /// - Throws: `NetlinkError` when the namespace cannot be entered. A family that cannot be subscribed
    ///   to is no error: `reasons` says why.
    public convenience init(namespace: String?) throws(NetlinkError) {
        try self.init(namespace: namespace, socketByteCount: Self.socketByteCount)
    }

    /// Subscribes with so much memory of the kernel for events that wait.
    init(namespace: String?, socketByteCount: Int) throws(NetlinkError) {
        self.socketByteCount = Int32(clamping: socketByteCount)
        let namespace = namespace.flatMap { $0.isEmpty ? nil : $0 }
        let object = namespace.map { "namespace \($0)" } ?? "this network namespace"
        let descriptors =
            if let namespace {
                try insideNamespace(namespace) { () throws(NetlinkError) -> Descriptors in
                    Descriptors(object: object)
                }
            } else {
                Descriptors(object: object)
            }
        subscribe(
            .xfrm, descriptors.xfrm, NETLINK_XFRM,
            [
                XFRMNLGRP_ACQUIRE, XFRMNLGRP_EXPIRE, XFRMNLGRP_SA, XFRMNLGRP_POLICY,
                XFRMNLGRP_MIGRATE, XFRMNLGRP_MAPPING,
            ].map { Int32($0.rawValue) }, object)
        subscribe(
            .route, descriptors.route, NETLINK_ROUTE,
            [
                RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_RULE,
                RTNLGRP_IPV6_RULE,
            ].map { Int32($0.rawValue) }, object)
    }

    deinit {
        for subscription in subscriptions.values { unsafe nl_socket_free(subscription.handle) }
    }

    /// The descriptors to wait for.
    public var descriptors: [Int32] { subscriptions.values.map(\.descriptor) }

    private func subscribe(
        _ family: Family, _ descriptor: Result<Int32, NetlinkError>, _ number: Int32,
        _ groups: [Int32], _ object: String
    ) {
        do throws(NetlinkError) {
            subscriptions[family] = try subscription(
                try descriptor.get(), number, groups, object)
        } catch {
            reasons[family] = error.description
        }
    }

    private func subscription(
        _ descriptor: Int32, _ number: Int32, _ groups: [Int32], _ object: String
    ) throws(NetlinkError) -> Subscription {
        let operation = number == NETLINK_XFRM ? "hear of SAs and policies" : "hear of devices"
        guard let handle = unsafe nl_socket_alloc() else {
            _ = close(descriptor)
            throw NetlinkError(errno: ENOMEM, operation: operation, object: object)
        }
        guard unsafe nl_socket_set_fd(handle, number, descriptor) == 0 else {
            unsafe nl_socket_free(handle)
            _ = close(descriptor)
            throw NetlinkError(errno: EINVAL, operation: operation, object: object)
        }
        var size = socketByteCount
        // Beyond net.core.rmem_max only with CAP_NET_ADMIN; without it a smaller buffer overruns earlier,
        // which is counted.
        if unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, 4) != 0 {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        for group in groups {
            guard unsafe nl_socket_add_membership(handle, group) == 0 else {
                // libnl has turned the kernel's error into one of its own; this is what it was.
                let failure = errno == 0 ? EPERM : errno
                unsafe nl_socket_free(handle)
                throw NetlinkError(errno: failure, operation: operation, object: object)
            }
        }
        return unsafe Subscription(handle: handle, descriptor: descriptor)
    }

    /// Takes what has arrived, and nothing when nothing has.
    ///
    /// At most 4 096 datagrams: what is left makes the descriptors readable again.
    ///
    /// - Parameter body: Called with each event, in order within a family. After an `overrun` events
    ///   are missing.
    /// - Returns: whether that was all there was.
    @discardableResult
    public func drain(_ body: (KernelEvent) -> Void) -> Bool {
        var isEmpty = true
        for (family, subscription) in subscriptions where !drain(family, subscription, body) {
            isEmpty = false
        }
        return isEmpty
    }

    private func drain(
        _ family: Family, _ subscription: Subscription, _ body: (KernelEvent) -> Void
    ) -> Bool {
        for _ in 0..<Self.drainLimit {
            switch buffer.receive(from: subscription.descriptor, flags: Int32(MSG_DONTWAIT)) {
            case .datagram(let byteCount):
                let held = min(byteCount, buffer.byteCount)
                let isWhole = buffer.forEachMessage(byteCount: held) { header, payload in
                    take(family, type: Int(header.nlmsg_type), payload, body)
                }
                if !isWhole || held < byteCount { counts.malformedMessages += 1 }
            case .stranger: counts.malformedMessages += 1
            case .overrun:
                counts.overruns += 1
                body(.overrun)
            case .failed: return true
            }
        }
        return false
    }

    private func take(
        _ family: Family, type: Int, _ payload: RawSpan, _ body: (KernelEvent) -> Void
    ) {
        do throws(KernelMessageError) {
            let event =
                switch family {
                case .xfrm: try KernelEvent.xfrm(payload, type: type)
                case .route: try KernelEvent.route(payload, type: type)
                }
            if let event { body(event) }
        } catch {
            counts.malformedMessages += 1
        }
    }
}
