import Foundation
import FlightRecording
import IKE
import NetworkPrimitives
import Testing

@testable import Agent

/// The IKE of strongSwan, as a device's second handle would hand it over.
@Suite struct IKERecorderTests {
    /// The frames of a fixture with their times in seconds.
    private static func frames(_ name: String) throws -> [(at: Double, octets: [UInt8])] {
        let file = [UInt8](
            try Data(
                contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
                    .appending(path: "../../IKETests/Fixtures/\(name).pcap")))
        func number(_ offset: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(file[offset + $1]) << (8 * $1) }
        }
        var frames: [(Double, [UInt8])] = []
        var offset = 24
        while offset + 16 <= file.count {
            let length = number(offset + 8)
            let at = Double(number(offset) - number(24)) + Double(number(offset + 4)) / 1e6
            frames.append((at, Array(file[(offset + 16)..<(offset + 16 + length)])))
            offset += 16 + length
        }
        return frames
    }

    private static func recorder(
        _ name: String, _ tunnels: [TunnelPlan]
    ) throws -> (IKERecorder, KnownTunnels) {
        let plan = try #require(CapturePlan.plans(for: tunnels).first)
        var recorder = IKERecorder(plan)
        var rings = DeviceRings(espByteCount: 0, controlByteCount: 1 << 20)
        for frame in try frames(name) {
            frame.octets.withRawSpan {
                recorder.receive(
                    $0, link: .ethernet, wireLength: frame.octets.count, arrival: at(frame.at),
                    recording: &rings)
            }
        }
        return (recorder, plan.tunnels)
    }

    @Test func `a tunnel has the IKE of its outer addresses`() throws {
        let mine = TunnelPlan.captured("mine", local: "10.9.1.2", remote: "203.0.113.2")
        let other = TunnelPlan.captured("other", local: "10.9.1.2", remote: "203.0.113.3")
        var (recorder, tunnels) = try Self.recorder("wrong-secret", [mine, other])
        let reports = recorder.reports(of: tunnels, at: at(60))
        #expect(reports["mine"]?.likelyFailure == .authentication)
        #expect(reports["mine"]?.isLocalKnown == true)
        #expect(reports["mine"]?.initiator == .outbound)
        #expect(reports["other"] == nil)
    }

    @Test func `a tunnel without a known near address has the IKE of its peer`() throws {
        let plan = TunnelPlan.captured("mine", local: nil, remote: "203.0.113.2")
        var (recorder, tunnels) = try Self.recorder("rekeys", [plan])
        let reports = recorder.reports(of: tunnels, at: at(60))
        #expect(reports["mine"]?.rekeys.count == 4)
        #expect(reports["mine"]?.outbound.keepalives.count == 7)
    }

    @Test func `packets of others are left out`() throws {
        let plan = TunnelPlan.captured("mine", local: "10.9.1.2", remote: "192.0.2.1")
        var (recorder, tunnels) = try Self.recorder("rekeys", [plan])
        #expect(recorder.reports(of: tunnels, at: at(60)).isEmpty)
    }
}
