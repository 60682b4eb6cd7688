import HostFacts
import KernelState
import Netlink
import NetworkPrimitives
import RawSockets

/// Looks at this host for the planner: one netlink reader for each namespace, one snapshot a round.
///
/// Belongs to one thread; its calls block for as long as the kernel takes.
final class HostView {
    private var readers: [String: KernelReader] = [:]
    private var identities: [String: NetworkNamespace.Identity] = [:]
    private var round: [String: NamespaceFacts] = [:]
    private let resolver: NameResolver

    init(resolver: NameResolver) {
        self.resolver = resolver
    }

    /// Forgets the snapshots, so that the next questions look anew.
    func beginRound() { round = [:] }

    /// Forgets the sockets of namespaces that were deleted, or deleted and made again, and names
    /// them: a socket stays in the namespace it was made in.
    func dropReplacedNamespaces() -> [String] {
        let replaced = identities.filter { NetworkNamespace.identity(of: $0.key) != $0.value }
        for name in replaced.keys {
            identities[name] = nil
            readers[name] = nil
        }
        return Array(replaced.keys)
    }

    /// Answers that netlink lost for lack of socket memory.
    var overruns: UInt64 { readers.values.reduce(0) { $0 + $1.overruns } }

    /// A planner that asks this host.
    var planner: TunnelPlanner {
        TunnelPlanner(
            facts: { self.facts(of: $0) },
            route: { self.route(in: $0, to: $1, from: $2, mark: $3) },
            resolve: { self.resolver.resolution(of: $0) })
    }

    /// What is known of a namespace in this round; nil is the agent's own.
    func facts(of namespace: String?) -> NamespaceFacts {
        if let facts = round[namespace ?? ""] { return facts }
        let facts: NamespaceFacts
        do throws(NetlinkError) {
            facts = NamespaceFacts(
                snapshot: try reader(of: namespace).snapshot(), refusal: Self.refusal)
        } catch {
            let reason = error.description
            facts = NamespaceFacts(
                snapshot: KernelSnapshot(
                    links: .unknown(reason: reason), addresses: .unknown(reason: reason),
                    routes: .unknown(reason: reason), associations: .unknown(reason: reason),
                    policies: .unknown(reason: reason)),
                refusal: namespace == nil ? Self.refusal : reason)
        }
        round[namespace ?? ""] = facts
        return facts
    }

    /// The devices of a namespace, read at once and not from the round's snapshot.
    func links(of namespace: String?) -> [LinkState]? {
        do throws(NetlinkError) { return try reader(of: namespace).links() } catch { return nil }
    }

    /// The SAs of a namespace, read at once and not from the round's snapshot, which gives the rest.
    func associations(of namespace: String?) -> AssociationReading {
        var snapshot = facts(of: namespace).snapshot
        let before = MonotonicClock.now()
        do throws(NetlinkError) {
            snapshot.associations = .known(try reader(of: namespace).associations())
        } catch {
            snapshot.associations = .unknown(reason: error.description)
        }
        // The counters are of some moment in between.
        let at = before + (MonotonicClock.now() - before) / 2
        return AssociationReading(at: at, snapshot: snapshot)
    }

    /// The rules of the routing policy of a namespace.
    func rules(of namespace: String?) -> Reading<[RoutingRule]> {
        do throws(NetlinkError) {
            return .known(try reader(of: namespace).rules())
        } catch {
            return .unknown(reason: error.description)
        }
    }

    /// The first routers on the ways to endpoints, with what is known of their link-layer addresses;
    /// an endpoint without a route is left out.
    func nextHops(
        to endpoints: [IPAddress: (source: IPAddress?, mark: UInt32)], in namespace: String?
    ) -> [IPAddress: NamespaceReadings.NextHop] {
        var hops: [IPAddress: NamespaceReadings.NextHop] = [:]
        var indices: [IPAddress: Int] = [:]
        for (endpoint, sender) in endpoints {
            guard
                case .known(.route(let route)) = route(
                    in: namespace, to: endpoint, from: sender.source, mark: sender.mark)
            else { continue }
            hops[endpoint] = NamespaceReadings.NextHop(
                address: route.gateway ?? endpoint, device: route.interfaceName,
                neighbor: .known(nil))
            indices[endpoint] = route.interfaceIndex
        }
        do throws(NetlinkError) {
            let neighbors = try reader(of: namespace).neighbors(Set(hops.values.map(\.address)))
            for (endpoint, hop) in hops {
                hops[endpoint]?.neighbor = .known(
                    neighbors.first {
                        $0.address == hop.address && $0.interfaceIndex == indices[endpoint]
                    })
            }
        } catch {
            let reason = error.description
            for endpoint in hops.keys { hops[endpoint]?.neighbor = .unknown(reason: reason) }
        }
        return hops
    }

    private func route(
        in namespace: String?, to destination: IPAddress, from source: IPAddress?, mark: UInt32
    ) -> Reading<RouteLookup> {
        do throws(NetlinkError) {
            return .known(
                try reader(of: namespace).route(to: destination, from: source, mark: mark))
        } catch {
            return .unknown(reason: error.description)
        }
    }

    private func reader(of namespace: String?) throws(NetlinkError) -> KernelReader {
        if let reader = readers[namespace ?? ""] { return reader }
        let reader = try KernelReader(namespace: namespace)
        readers[namespace ?? ""] = reader
        if let namespace { identities[namespace] = NetworkNamespace.identity(of: namespace) }
        return reader
    }

    /// Why this process can send nothing at all; nil when it can.
    private static var refusal: String? {
        do throws(FileError) {
            return try Capabilities.current().has(.netRaw)
                ? nil : "probing needs CAP_NET_RAW, which this process does not have"
        } catch {
            // Unknown privileges are no reason not to try.
            return nil
        }
    }
}
