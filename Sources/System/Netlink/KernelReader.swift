import CNetlink
import Glibc
public import KernelState
public import NetworkPrimitives
import Synchronization

/// Reads links, addresses, routes, SAs and policies of one network namespace.
///
/// Calls block for as long as the kernel takes to answer, well under a millisecond for small
/// tables. Calls from several threads wait for each other. Links, addresses and routes need no
/// privilege; SAs and policies need CAP_NET_ADMIN.
public final class KernelReader: Sendable {
    static let entering = "enter the network namespace"

    /// The most routes that are kept of one device and family; a router may have a million.
    public static let routesPerInterface = 1024

    let routeSocket: Mutex<NetlinkSocket>
    private let xfrm: XFRM
    let object: String

    /// NETLINK_XFRM, which a kernel may not have.
    private enum XFRM: Sendable {
        case open(SharedSocket)
        case unavailable(NetlinkError)
    }

    /// A socket that can be the payload of an enum.
    private final class SharedSocket: Sendable {
        let socket: Mutex<NetlinkSocket>

        init(descriptor: Int32, object: String) throws(NetlinkError) {
            socket = Mutex(
                try NetlinkSocket(descriptor: descriptor, protocol: NETLINK_XFRM, object: object))
        }
    }

    /// Descriptors, which unlike sockets may be made on one thread and used on another.
    private struct Descriptors: Sendable {
        let route: Int32
        let xfrm: Result<Int32, NetlinkError>

        /// Opens both in the namespace of the calling thread.
        init(object: String) throws(NetlinkError) {
            route = try NetlinkSocket.openDescriptor(protocol: NETLINK_ROUTE, object: object)
            xfrm = Result { () throws(NetlinkError) -> Int32 in
                try NetlinkSocket.openDescriptor(protocol: NETLINK_XFRM, object: object)
            }
        }
    }

    /// Opens sockets in a network namespace.
    ///
    /// - Parameter namespace: A name of /run/netns; nil or empty for the process's own.
    /// - Throws: `NetlinkError` when the namespace cannot be entered or has no netlink. A kernel
    ///   without XFRM is no error: SAs and policies are unknown then, with that reason.
    public init(namespace: String?) throws(NetlinkError) {
        let namespace = namespace.flatMap { $0.isEmpty ? nil : $0 }
        let object = namespace.map { "namespace \($0)" } ?? "this network namespace"
        let descriptors =
            if let namespace {
                try insideNamespace(namespace) { () throws(NetlinkError) -> Descriptors in
                    try Descriptors(object: object)
                }
            } else {
                try Descriptors(object: object)
            }
        self.object = object
        switch descriptors.xfrm {
        case .failure(let error): xfrm = .unavailable(error)
        case .success(let descriptor):
            do throws(NetlinkError) {
                xfrm = .open(try SharedSocket(descriptor: descriptor, object: object))
            } catch {
                xfrm = .unavailable(error)
            }
        }
        routeSocket = Mutex(
            try NetlinkSocket(
                descriptor: descriptors.route, protocol: NETLINK_ROUTE, object: object))
    }

    /// Messages that could not be read and were left out, since the reader was made.
    public var malformedMessages: UInt64 { total { $0.malformedMessages } }

    /// Dumps that started over because a table changed meanwhile, since the reader was made.
    public var interruptedDumps: UInt64 { total { $0.interruptedDumps } }

    /// Times the kernel dropped answers for lack of socket memory, since the reader was made.
    public var overruns: UInt64 { total { $0.overruns } }

    private func total(_ count: (NetlinkCounters) -> UInt64) -> UInt64 {
        let ofRoute = routeSocket.withLock { count($0.counters) }
        guard case .open(let shared) = xfrm else { return ofRoute }
        return ofRoute + shared.socket.withLock { count($0.counters) }
    }

    /// Everything, each part by itself: one that cannot be read is unknown with its reason.
    ///
    /// - Parameter withRoutes: Whether routes are read, of which a router may have a million.
    /// - Returns: What is known.
    public func snapshot(withRoutes: Bool = true) -> KernelSnapshot {
        KernelSnapshot(
            links: Reading { () throws(NetlinkError) in try links() },
            addresses: Reading { () throws(NetlinkError) in try addresses() },
            routes: withRoutes
                ? Reading { () throws(NetlinkError) in try routes() }
                : .unknown(reason: "routes were not read"),
            associations: Reading { () throws(NetlinkError) in try associations() },
            policies: Reading { () throws(NetlinkError) in try policies() })
    }

    /// All network devices, in order of index.
    ///
    /// - Throws: `NetlinkError` when the kernel refuses or the table does not hold still.
    public func links() throws(NetlinkError) -> [LinkState] {
        // struct ifinfomsg, all zero: every family, every device.
        let request = NetlinkRequest(
            type: Int32(RTM_GETLINK), header: Array(repeating: 0, count: 16),
            operation: "list network devices")
        let links = try routeSocket.withLock { (socket) throws(NetlinkError) in
            try socket.dump(request, answerType: Int(RTM_NEWLINK)) {
                (payload, links: inout [LinkState]) throws(KernelMessageError) in
                links.append(try LinkState(parsing: payload))
            }
        }
        return links.sorted { $0.index < $1.index }
    }

    /// All addresses of this host, in the kernel's order.
    ///
    /// - Throws: `NetlinkError` when the kernel refuses or the table does not hold still.
    public func addresses() throws(NetlinkError) -> [AddressState] {
        // struct ifaddrmsg, all zero: every family.
        let request = NetlinkRequest(
            type: Int32(RTM_GETADDR), header: Array(repeating: 0, count: 8),
            operation: "list addresses")
        return try routeSocket.withLock { (socket) throws(NetlinkError) in
            try socket.dump(request, answerType: Int(RTM_NEWADDR)) {
                (payload, addresses: inout [AddressState]) throws(KernelMessageError) in
                addresses.append(try AddressState(parsing: payload))
            }
        }
    }

    /// Routes of all tables, in the kernel's order.
    ///
    /// At most `routesPerInterface` of one device and family are kept.
    ///
    /// - Throws: `NetlinkError` when the kernel refuses or the table does not hold still.
    public func routes() throws(NetlinkError) -> [RouteState] {
        // struct rtmsg, all zero: every family, every table.
        let request = NetlinkRequest(
            type: Int32(RTM_GETROUTE), header: Array(repeating: 0, count: 12),
            operation: "list routes")
        return try routeSocket.withLock { (socket) throws(NetlinkError) in
            var filter = RouteFilter(limit: Self.routesPerInterface)
            return try socket.dump(request, answerType: Int(RTM_NEWROUTE)) {
                (payload, routes: inout [RouteState]) throws(KernelMessageError) in
                // An attempt that starts over starts with no routes.
                if routes.isEmpty { filter = RouteFilter(limit: Self.routesPerInterface) }
                // An exception that the kernel learned is no route: it forgets it again.
                for route in try RouteState.routes(parsing: payload)
                where !route.isLearned && filter.keeps(route) {
                    routes.append(route)
                }
            }
        }
    }

    /// The rules of the routing policy of both families, in the kernel's order.
    ///
    /// At most `rulesPerFamily` of a family are kept.
    ///
    /// - Throws: `NetlinkError` when the kernel refuses or the table does not hold still.
    public func rules() throws(NetlinkError) -> [RoutingRule] {
        // struct fib_rule_hdr, all zero: every family.
        let request = NetlinkRequest(
            type: Int32(RTM_GETRULE), header: Array(repeating: 0, count: 12),
            operation: "list routing rules")
        return try routeSocket.withLock { (socket) throws(NetlinkError) in
            try socket.dump(request, answerType: Int(RTM_NEWRULE)) {
                (payload, rules: inout [RoutingRule]) throws(KernelMessageError) in
                guard let rule = try RoutingRule.rule(parsing: payload) else { return }
                let sameFamily = rules.lazy.filter { $0.family == rule.family }.count
                if sameFamily < Self.rulesPerFamily { rules.append(rule) }
            }
        }
    }

    /// The most rules of one family that are kept.
    public static let rulesPerFamily = 1024

    /// What is known of some neighbours, in the kernel's order.
    ///
    /// - Parameter addresses: Whose link-layer addresses are asked for.
    /// - Returns: One value for each device that one of them was looked for on.
    /// - Throws: `NetlinkError` when the kernel refuses or the table does not hold still.
    public func neighbors(
        _ addresses: Set<IPAddress>
    ) throws(NetlinkError) -> [NeighborState] {
        guard !addresses.isEmpty else { return [] }
        // struct ndmsg, all zero: every family.
        let request = NetlinkRequest(
            type: Int32(RTM_GETNEIGH), header: Array(repeating: 0, count: 12),
            operation: "list neighbours")
        return try routeSocket.withLock { (socket) throws(NetlinkError) in
            try socket.dump(request, answerType: Int(RTM_NEWNEIGH)) {
                (payload, neighbors: inout [NeighborState]) throws(KernelMessageError) in
                guard let neighbor = try NeighborState.neighbor(parsing: payload),
                    addresses.contains(neighbor.address)
                else { return }
                neighbors.append(neighbor)
            }
        }
    }

    /// All security associations, in the kernel's order, without keys.
    ///
    /// - Throws: `NetlinkError`: `notSupported` without XFRM in the kernel, `permissionDenied`
    ///   without CAP_NET_ADMIN.
    public func associations() throws(NetlinkError) -> [SecurityAssociation] {
        let request = NetlinkRequest(
            type: Int32(XFRM_MSG_GETSA), operation: "list security associations")
        return try dumpXFRM(request, answerType: Int(XFRM_MSG_NEWSA)) {
            (payload, associations: inout [SecurityAssociation]) throws(KernelMessageError) in
            associations.append(try SecurityAssociation(parsing: payload))
        }
    }

    /// All security policies, in the kernel's order.
    ///
    /// - Throws: `NetlinkError`: `notSupported` without XFRM in the kernel, `permissionDenied`
    ///   without CAP_NET_ADMIN.
    public func policies() throws(NetlinkError) -> [SecurityPolicy] {
        let request = NetlinkRequest(
            type: Int32(XFRM_MSG_GETPOLICY), operation: "list security policies")
        return try dumpXFRM(request, answerType: Int(XFRM_MSG_NEWPOLICY)) {
            (payload, policies: inout [SecurityPolicy]) throws(KernelMessageError) in
            policies.append(try SecurityPolicy(parsing: payload))
        }
    }

    private func dumpXFRM<Element: Sendable>(
        _ request: NetlinkRequest, answerType: Int,
        _ parse: @Sendable (RawSpan, inout [Element]) throws(KernelMessageError) -> Void
    ) throws(NetlinkError) -> [Element] {
        switch xfrm {
        case .open(let shared):
            try shared.socket.withLock { (socket) throws(NetlinkError) in
                try socket.dump(request, answerType: answerType, parse)
            }
        case .unavailable(let error):
            throw error
        }
    }
}

/// Bounds how many routes of one device are kept.
private struct RouteFilter {
    private struct Key: Hashable {
        let interface: Int?
        let family: IPAddress.Family
    }

    private let limit: Int
    private var counts: [Key: Int] = [:]

    init(limit: Int) {
        self.limit = limit
    }

    mutating func keeps(_ route: RouteState) -> Bool {
        let key = Key(
            interface: route.outputInterface, family: route.destination.network.family)
        counts[key, default: 0] += 1
        return counts[key, default: 0] <= limit
    }
}

extension Reading {
    /// What `read` returns, or its error as the reason.
    fileprivate init(_ read: () throws(NetlinkError) -> Value) {
        do throws(NetlinkError) {
            self = .known(try read())
        } catch {
            self = .unknown(reason: error.description)
        }
    }
}
