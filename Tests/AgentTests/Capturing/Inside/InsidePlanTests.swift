import Configuration
import KernelState
import NetworkPrimitives
import PacketCapture
import Testing

@testable import Agent

/// Where the insides of tunnels are captured, and what.
@Suite struct InsidePlanTests {
    private static func place(_ device: String, _ namespace: String? = nil) -> CapturePlace {
        CapturePlace(namespace: namespace, device: device)
    }

    private static func traffic(
        _ roles: InsidePlan.Roles?, _ direction: TrafficDirection
    ) -> Set<CaptureFilter.Traffic>? {
        roles?.channels.first { $0.direction == direction }?.channel.filter.traffic
    }

    @Test func `a tunnel's device and its WAN are captured on, each once`() {
        let plan = InsidePlan(for: [.inside("cf-1"), .inside("cf-2", device: "xfrm2")])
        #expect(
            Set(plan.places.keys) == [Self.place("xfrm1"), Self.place("xfrm2"), Self.place("wan0")])
        let device = plan.places[Self.place("xfrm1")]
        for direction in TrafficDirection.allCases {
            #expect(Self.traffic(device, direction) == [.echo, .openingSegments])
        }
        let wan = plan.places[Self.place("wan0")]
        #expect(Self.traffic(wan, .inbound) == [.packetTooBig])
        #expect(Self.traffic(wan, .outbound) == [.echo])
    }

    @Test func `a device that is one tunnel's own and another's WAN serves both`() {
        let plan = InsidePlan(
            for: [.inside("under", device: "gre1"), .inside("over", device: "xfrm1", wan: "gre1")])
        let both = plan.places[Self.place("gre1")]
        #expect(Self.traffic(both, .inbound) == [.echo, .openingSegments, .packetTooBig])
        #expect(Self.traffic(both, .outbound) == [.echo, .openingSegments])
    }

    @Test func `devices of one name in two namespaces are two`() {
        var blue = TunnelPlan.inside("cf-2")
        blue.configuration.netns = "blue"
        let plan = InsidePlan(for: [.inside("cf-1"), blue])
        #expect(plan.places.count == 4)
        #expect(plan.places[Self.place("xfrm1", "blue")]?.isTunnel == true)
    }

    @Test func `of a policy-based tunnel what arrives is looked for at the WAN`() {
        let policy = TunnelPlan.inside(device: nil)
        #expect(policy.kind == .policy)
        let plan = InsidePlan(for: [policy])
        let wan = plan.places[Self.place("wan0")]
        #expect(Self.traffic(wan, .inbound) == [.packetTooBig, .echo, .openingSegments])
        #expect(plan.tunnels[0].obstacle?.contains("policy-based") == true)
    }

    @Test func `what is not captured has a reason`() {
        var off = TunnelPlan.inside("off")
        off.configuration.probing.capture = false
        var appliance = TunnelPlan.inside("appliance")
        appliance.configuration.role = .observer
        var unknown = TunnelPlan.inside("unknown", device: nil)
        unknown.kind = .unknown
        let plan = InsidePlan(for: [off, appliance, unknown])
        #expect(plan.tunnels.map { $0.obstacle == nil } == [false, false, false])
        #expect(plan.tunnels[0].obstacle?.contains("capture = false") == true)
        #expect(plan.tunnels[1].obstacle?.contains("appliance") == true)
        #expect(plan.tunnels[2].obstacle?.contains("not known") == true)
        // The WAN of the one whose device is not known says what routers say all the same.
        #expect(Set(plan.places.keys) == [Self.place("wan0")])
    }
}
