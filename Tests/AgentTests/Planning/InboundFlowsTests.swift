@testable import Agent
import Configuration
import KernelState
import NetworkPrimitives
import Testing

@Suite struct InboundFlowsTests {
    private static let memory = Duration.seconds(5)

    private static func device(_ name: String, packets: UInt64?) -> LinkState {
        var link = LinkState(index: 1, name: name, kind: .xfrm)
        link.receivedPackets = packets
        return link
    }

    @Test func `a counter that grows is traffic, for five seconds`() {
        let plan = TunnelPlan.made("cf-1", device: "tun0")
        var flows = InboundFlows()
        #expect(flows.isFlowing(plan, at: at(0), Self.memory) == nil, "no device, no answer")
        flows.note([Self.device("tun0", packets: 1000)], in: nil, at: at(0))
        #expect(
            flows.isFlowing(plan, at: at(0), Self.memory) == false,
            "what came before does not count")
        flows.note([Self.device("tun0", packets: 1001)], in: nil, at: at(1))
        #expect(flows.isFlowing(plan, at: at(6), Self.memory) == true)
        flows.note([Self.device("tun0", packets: 1001)], in: nil, at: at(7))
        #expect(flows.isFlowing(plan, at: at(7), Self.memory) == false)
    }

    @Test func `a counter that falls belongs to a new device`() {
        let plan = TunnelPlan.made("cf-1", device: "tun0")
        var flows = InboundFlows()
        flows.note([Self.device("tun0", packets: 1000)], in: nil, at: at(0))
        flows.note([Self.device("tun0", packets: 3)], in: nil, at: at(1))
        #expect(flows.isFlowing(plan, at: at(1), Self.memory) == false)
    }

    @Test func `namespaces have devices of their own`() {
        var blue = TunnelPlan.made("cf-1", device: "tun0")
        blue.configuration.netns = "blue"
        var flows = InboundFlows()
        flows.note([Self.device("tun0", packets: 1)], in: nil, at: at(0))
        flows.note([Self.device("tun0", packets: 2)], in: nil, at: at(1))
        #expect(flows.isFlowing(blue, at: at(1), Self.memory) == nil)
    }

    @Test func `an observer's host says nothing about the tunnel`() {
        var plan = TunnelPlan.made("cf-1", device: "tun0")
        plan.configuration.role = .observer
        var flows = InboundFlows()
        flows.note([Self.device("tun0", packets: 1)], in: nil, at: at(0))
        #expect(flows.isFlowing(plan, at: at(0), Self.memory) == nil)
    }

    @Test func `a policy-based tunnel is counted at its inbound SAs`() {
        var plan = TunnelPlan.made("cf-1", outside: ip("198.51.100.1"))
        plan.local = ip("203.0.113.10")
        var host = MadeUpHost()
        host.address(host.add("eth0"), "203.0.113.10/24")
        func facts(packets: UInt64) -> NamespaceFacts {
            var inbound = SecurityAssociation(
                spi: SPI(rawValue: 7), source: ip("198.51.100.1"), destination: ip("203.0.113.10"))
            inbound.packets = packets
            var outbound = SecurityAssociation(
                spi: SPI(rawValue: 8), source: ip("203.0.113.10"), destination: ip("198.51.100.1"))
            outbound.packets = packets * 1000
            host.associations = .known([inbound, outbound])
            return NamespaceFacts(snapshot: host.snapshot, refusal: nil)
        }
        var flows = InboundFlows()
        flows.note(facts(packets: 5), of: plan, at: at(0))
        #expect(flows.isFlowing(plan, at: at(0), Self.memory) == false)
        flows.note(facts(packets: 6), of: plan, at: at(1))
        #expect(flows.isFlowing(plan, at: at(1), Self.memory) == true)
        flows.forget(allTunnelsBut: [plan])
        #expect(flows.count == 1)
        flows.forget(allTunnelsBut: [])
        #expect(flows.count == 0)
    }

    @Test func `devices that come and go leave nothing behind`() {
        var flows = InboundFlows()
        for second in 0..<1000 {
            flows.note(
                [Self.device("tun0", packets: 1), Self.device("veth\(second)", packets: 1)],
                in: nil, at: at(Double(second)))
        }
        #expect(flows.count == 2)
    }
}
