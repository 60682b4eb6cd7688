import Configuration
import KernelState
import Netlink
import NetworkPrimitives

/// Which way packets to a reflector take: the one that routing and the IPsec policies of this host
/// choose, as for any other traffic.
struct ReflectorWay {
    /// Through the tunnel or beside it.
    var path: Reading<ProbePath>
    /// The source address; nil for the one that routing chooses.
    var source: IPAddress?
    /// The mark that packets carry.
    var mark: UInt32 = 0
    /// Why nothing can be sent there; nil when something can.
    var refusal: String?

    /// Asks the kernel.
    static func asked(_ order: ReflectionRound.Order) -> ReflectorWay {
        let tunnel = order.plan.configuration
        do throws(NetlinkError) {
            let reader = try KernelReader(namespace: tunnel.netns)
            let policies: Reading<[SecurityPolicy]>
            do throws(NetlinkError) {
                policies = .known(try reader.policies())
            } catch {
                policies = .unknown(reason: error.description)
            }
            return try ReflectorWay(order, policies: policies) {
                (source, mark) throws(NetlinkError) in
                try reader.route(to: order.address, from: source, mark: mark)
            }
        } catch {
            // Without an answer packets go all the same; only which way is not known.
            return ReflectorWay(
                path: .unknown(reason: error.description), mark: tunnel.fwmark)
        }
    }

    private init(path: Reading<ProbePath>, mark: UInt32) {
        (self.path, self.mark) = (path, mark)
    }

    /// Decides by what the kernel says.
    init<Failure: Error>(
        _ order: ReflectionRound.Order, policies: Reading<[SecurityPolicy]>,
        route: (IPAddress?, UInt32) throws(Failure) -> RouteLookup
    ) throws(Failure) {
        let plan = order.plan
        func source(_ address: IPAddress?) -> IPAddress? {
            address.flatMap { $0.family == order.address.family ? $0 : nil }
        }
        // A device marks by itself: what goes into it carries no mark.
        if let device = plan.tunnelInterface {
            if case .route(let found) = try route(nil, 0), found.interfaceName == device {
                path = .known(.inside)
                self.source = source(plan.configuration.insideSource)
                return
            }
        }
        mark = plan.configuration.fwmark
        let outer = source(plan.configuration.local)
        switch try route(outer, mark) {
        case .unreachable:
            let reason = "there is no route to the reflector \(order.address)"
            (path, refusal) = (.unknown(reason: reason), reason)
        case .route(let found):
            self.source = outer
            guard let rules = policies.value, let from = outer ?? found.source else {
                // A route-based tunnel takes what is routed to its device, and nothing else.
                path =
                    plan.tunnelInterface != nil
                    ? .known(.outside)
                    : .unknown(reason: policies.reason ?? "the source address is not known")
                return
            }
            let isV6 = order.address.family == .v6
            let question = PolicyQuestion(
                direction: .out, source: from, destination: order.address,
                protocol: isV6 ? 58 : 1, sourcePort: isV6 ? 129 : 0, mark: mark,
                interfaceID: nil, interfaceIndex: found.interfaceIndex)
            let isProtected = SelectorCoverage(rules).decision(on: question).isProtected
            path = .known(isProtected ? .inside : .outside)
        }
    }
}
