@testable import Agent
import Configuration
import NetworkPrimitives
import Testing

/// Which devices are captured on, how, and for whom.
@Suite struct CapturePlanTests {
    @Test func `tunnels of one device share a capture that suits them all`() {
        var first = TunnelPlan.captured("cf-1", windows: [32])
        first.configuration.probing.captureBuffer = .mebibytes(2)
        var second = TunnelPlan.captured("cf-2", remote: "198.51.100.2", windows: [2000])
        second.configuration.probing.captureBuffer = .mebibytes(16)
        let third = TunnelPlan.captured("cf-3", remote: "198.51.100.3", on: "wan1")
        let plans = CapturePlan.plans(for: [third, first, second])
        #expect(plans.map(\.place.device) == ["wan0", "wan1"])
        #expect(plans[0].tunnels.names == ["cf-1", "cf-2"])
        #expect(plans[0].settings.bufferSize == 16 << 20)
        #expect(plans[0].filter.endpoints == [ip("198.51.100.1"), ip("198.51.100.2")])
        #expect(!plans[0].settings.isPromiscuous)
        #expect(plans[0].windows == [32, 64, 2000, 4096])
    }

    @Test func `devices of one name in two namespaces are two`() {
        var inside = TunnelPlan.captured("cf-2", remote: "198.51.100.2")
        inside.configuration.netns = "blue"
        let plans = CapturePlan.plans(for: [.captured("cf-1"), inside])
        #expect(plans.map(\.place.description) == ["wan0", "wan0 in namespace blue"])
    }

    @Test func `a tunnel that is not captured has a reason`() {
        var off = TunnelPlan.captured("off")
        off.configuration.probing.capture = false
        var nameless = TunnelPlan.captured("nameless")
        nameless.remote = nil
        let nowhere = TunnelPlan.captured("nowhere", on: nil)
        #expect(CapturePlan.plans(for: [off, nameless, nowhere]).isEmpty)
        #expect(CapturePlan.obstacle(to: off)?.contains("capture = false") == true)
        #expect(CapturePlan.obstacle(to: nameless)?.contains("address") == true)
        #expect(CapturePlan.obstacle(to: nowhere)?.contains("made up") == true)
        #expect(CapturePlan.obstacle(to: .captured("fine")) == nil)
    }
}
