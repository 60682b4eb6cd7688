import CNetlink
import Glibc
public import KernelState
public import NetworkPrimitives
import Synchronization

extension KernelReader {
    /// Where the kernel would send a packet now.
    ///
    /// - Parameters:
    ///   - destination: Where to.
    ///   - source: The source address; nil lets the kernel choose.
    ///   - mark: The packet's mark (SO_MARK), which routing rules may ask for; 0 for none.
    /// - Returns: The kernel's choice, or why it has none.
    /// - Throws: `NetlinkError` when the kernel does not answer the question; that no route matches
    ///   is an answer.
    /// - Precondition: Both addresses are of one family.
    public func route(
        to destination: IPAddress, from source: IPAddress?, mark: UInt32
    ) throws(NetlinkError) -> RouteLookup {
        precondition(
            source.map { $0.family == destination.family } ?? true,
            "source and destination of one family")
        let request = Self.request(to: destination, from: source, mark: mark)
        let route: RouteState?
        do throws(NetlinkError) {
            route = try routeSocket.withLock { (socket) throws(NetlinkError) in
                try socket.answer(request, answerType: Int(RTM_NEWROUTE)) {
                    (payload) throws(KernelMessageError) in
                    try RouteState.routes(parsing: payload).first
                }
            }
        } catch {
            guard let reason = try unreachable(error, source) else { throw error }
            return .unreachable(reason)
        }
        guard let route else {
            throw NetlinkError(.malformedAnswer, operation: request.operation, object: object)
        }
        // IPv6 answers with the route that drops, IPv4 with an error.
        switch route.kind {
        case .unreachable: return .unreachable(.unreachableRoute)
        case .prohibit: return .unreachable(.prohibited)
        case .blackhole: return .unreachable(.blackhole)
        default: break
        }
        guard let index = route.outputInterface else {
            throw NetlinkError(.malformedAnswer, operation: request.operation, object: object)
        }
        return .route(
            ResolvedRoute(
                interfaceIndex: index, interfaceName: try linkName(at: index),
                source: source ?? route.preferredSource, gateway: route.gateway, mtu: route.mtu,
                isLocal: route.kind == .local))
    }

    private static func request(
        to destination: IPAddress, from source: IPAddress?, mark: UInt32
    ) -> NetlinkRequest {
        let width = UInt8(destination.family.bitWidth)
        let family = destination.family == .v4 ? AF_INET : AF_INET6
        // struct rtmsg: family, dst_len, src_len, tos; table, protocol, scope, type; flags.
        var request = NetlinkRequest(
            type: Int32(RTM_GETROUTE),
            header: [UInt8(family), width, source == nil ? 0 : width]
                + Array(repeating: 0, count: 9),
            attributes: [(Int32(RTA_DST.rawValue), destination.octets)],
            operation: "look up the route to \(destination)")
        if let source {
            request.attributes.append((Int32(RTA_SRC.rawValue), source.octets))
        }
        if mark != 0 {
            var octets: [UInt8] = []
            octets.append(host: mark)
            request.attributes.append((Int32(RTA_MARK.rawValue), octets))
        }
        return request
    }

    /// The answer that a refusal is, nil when it is a failure.
    private func unreachable(
        _ error: NetlinkError, _ source: IPAddress?
    ) throws(NetlinkError) -> RouteLookup.Unreachable? {
        let reason: RouteLookup.Unreachable
        switch error.errno {
        case ENETUNREACH: reason = .noRoute
        case EHOSTUNREACH: reason = .unreachableRoute
        case EACCES: reason = .prohibited
        case EINVAL: reason = .blackhole
        default: return nil
        }
        // IPv4 refuses a source that is not this host's in the same words.
        if let source, try !addresses().contains(where: { $0.address == source }) {
            throw NetlinkError(
                .sourceNotLocal, errno: error.errno,
                operation: error.operation + " from \(source)", object: object)
        }
        return reason
    }

    /// The name of a device; nil if there is none at that index.
    private func linkName(at index: Int) throws(NetlinkError) -> String? {
        var header: [UInt8] = [0, 0, 0, 0]
        header.append(host: UInt32(truncatingIfNeeded: index))
        header += Array(repeating: 0, count: 8)
        let request = NetlinkRequest(
            type: Int32(RTM_GETLINK), header: header, operation: "read network device \(index)")
        do throws(NetlinkError) {
            return try routeSocket.withLock { (socket) throws(NetlinkError) in
                try socket.answer(request, answerType: Int(RTM_NEWLINK)) {
                    (payload) throws(KernelMessageError) in
                    try LinkState(parsing: payload).name
                }
            }
        } catch {
            guard error.errno == ENODEV else { throw error }
            return nil
        }
    }
}
