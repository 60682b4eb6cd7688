@testable import Agent
import Configuration
import KernelState
import NetworkPrimitives
import Testing

/// Which way a reflector is reached.
@Suite struct ReflectorWayTests {
    private enum Never: Error {}

    private static func order(
        device: String?, change: (inout TunnelConfiguration) -> Void = { _ in }
    ) -> ReflectionRound.Order {
        var plan = TunnelPlan.made("cf-1", outside: ip("198.51.100.1"), device: device)
        change(&plan.configuration)
        let reflector = Reflector(
            host: .address(ip("192.0.2.7")), port: nil, keyFile: "/nonexistent")
        return ReflectionRound.Order(plan: plan, reflector: reflector, address: ip("192.0.2.7"))
    }

    /// The way where the table sends everything over `device`, and what it was asked.
    private static func way(
        _ order: ReflectionRound.Order, over device: String?,
        policies: Reading<[SecurityPolicy]> = .known([])
    ) throws -> (way: ReflectorWay, marks: [UInt32]) {
        var marks: [UInt32] = []
        let way = try ReflectorWay(order, policies: policies) { (_, mark) throws(Never) in
            marks.append(mark)
            guard let device else { return .unreachable(.noRoute) }
            return .route(
                ResolvedRoute(
                    interfaceIndex: 3, interfaceName: device, source: ip("10.1.0.1"), gateway: nil))
        }
        return (way, marks)
    }

    @Test func `over the tunnel's device it is inside, without the mark, from the inside source`()
        throws
    {
        let order = Self.order(device: "ipsec0") {
            $0.fwmark = 7
            $0.insideSource = ip("10.252.0.1")
            $0.local = ip("203.0.113.1")
        }
        let (way, marks) = try Self.way(order, over: "ipsec0")
        #expect(way.path.value == .inside)
        #expect(way.mark == 0)
        #expect(way.source == ip("10.252.0.1"))
        #expect(marks == [0])
    }

    @Test func `over another device it is outside, with the mark, from the outer source`() throws {
        let order = Self.order(device: "ipsec0") {
            $0.fwmark = 7
            $0.insideSource = ip("10.252.0.1")
            $0.local = ip("203.0.113.1")
        }
        let (way, marks) = try Self.way(order, over: "eth0")
        #expect(way.path.value == .outside)
        #expect(way.mark == 7)
        #expect(way.source == ip("203.0.113.1"))
        #expect(marks == [0, 7])
    }

    @Test func `a policy that covers it puts it inside, another one does not`() throws {
        func policy(_ destination: String) -> SecurityPolicy {
            SecurityPolicy(
                direction: .out, source: prefix("10.1.0.0/24"), destination: prefix(destination),
                templates: [.init(source: ip("203.0.113.10"), destination: ip("198.51.100.1"))])
        }
        let order = Self.order(device: nil)
        let covered = try Self.way(order, over: "eth0", policies: .known([policy("192.0.2.0/24")]))
        #expect(covered.way.path.value == .inside)
        let other = try Self.way(order, over: "eth0", policies: .known([policy("10.2.0.0/24")]))
        #expect(other.way.path.value == .outside)
    }

    @Test func `where policies cannot be read, only a route-based tunnel tells the way`() throws {
        let unknown = Reading<[SecurityPolicy]>.unknown(reason: "not permitted")
        let based = try Self.way(Self.order(device: nil), over: "eth0", policies: unknown)
        #expect(based.way.path.value == nil)
        #expect(based.way.path.reason == "not permitted")
        #expect(based.way.refusal == nil)
        let routed = try Self.way(Self.order(device: "ipsec0"), over: "eth0", policies: unknown)
        #expect(routed.way.path.value == .outside)
    }

    @Test func `without a route nothing is sent`() throws {
        let way = try Self.way(Self.order(device: "ipsec0"), over: nil).way
        #expect(way.refusal == "there is no route to the reflector 192.0.2.7")
        #expect(way.path.value == nil)
    }
}
