import IKE
import KernelState
import NetworkPrimitives
import Testing

@testable import Agent

/// What is made of all that is known of a tunnel's IKE.
@Suite struct TunnelIKETests {
    private let here = IPAddress.v4(0xcb00_710a)
    private let there = IPAddress.v4(0xc633_6401)

    private func made(
        wire: IKEWireReport? = nil, daemon: KeyDaemonReport? = nil, kernel: TunnelKernel? = nil,
        capture: TunnelCapture = TunnelCapture()
    ) -> TunnelIKE {
        TunnelIKE(
            probe: nil, unprobed: "ike_probe = \"never\"", wire: wire, daemon: daemon,
            capture: capture, kernel: kernel ?? TunnelKernel(), watched: .seconds(60),
            at: MonotonicInstant(nanoseconds: 1_000_000_000_000),
            wall: WallTime(nanoseconds: 1_795_000_000_000_000_000))
    }

    private func kernel(endsAt: WallTime?) -> TunnelKernel {
        var association = SecurityAssociation(
            spi: SPI(rawValue: 0xc0de_0001), source: there, destination: here)
        association.hardExpiresAt = endsAt
        var kernel = TunnelKernel()
        kernel.associations = .known([
            DirectedAssociation(direction: .inbound, association: association)
        ])
        return kernel
    }

    @Test func `SAs that nothing ends were made by hand, and no IKE can fail`() throws {
        let made = made(kernel: kernel(endsAt: nil))
        #expect(made.verdict.failure == nil)
        let reason = try #require(made.json?["failure_reason"]?.text)
        #expect(reason.contains("set by hand"), "\(reason)")
    }

    @Test func `SAs with a lifetime are a key daemon's`() throws {
        let made = made(kernel: kernel(endsAt: WallTime(nanoseconds: 1)))
        let reason = try #require(made.json?["failure_reason"]?.text)
        #expect(!reason.contains("set by hand"), "\(reason)")
    }

    @Test func `what the key daemon read is the failure, and says who saw it`() throws {
        var daemon = KeyDaemonReport()
        daemon.failure = .authentication
        daemon.evidence = ["received AUTHENTICATION_FAILED notify error"]
        let json = try #require(made(daemon: daemon).json)
        #expect(json["failure"]?.text == "authentication")
        #expect(json["failure_origin"]?.text == "key daemon")
        #expect(
            json["evidence"]?.elements?.contains { $0.text == daemon.evidence.first } == true)
    }

    @Test func `silence on the wire is the failure where nobody knows of an IKE SA`() throws {
        var wire = IKEWireReport()
        wire.failure = .noResponse
        wire.lastSeen = MonotonicInstant(nanoseconds: 990_000_000_000)
        let json = try #require(made(wire: wire).json)
        #expect(json["failure"]?.text == "no_response")
        #expect(json["failure_origin"]?.text == "wire")
        #expect(json["wire"]?["last_seen"]?.text == "2026-11-18T11:06:30.000Z")
    }

    @Test func `what nobody looked at has a reason for each key`() throws {
        let json = try #require(made().json)
        for key in ["udp_500", "udp_4500", "esp"] {
            #expect(json[key]?.text == "unknown", "\(key)")
        }
        for key in ["peer_accepts", "failure", "probe", "wire", "daemon"] {
            guard case .null? = json[key] else {
                Issue.record("\(key) is known")
                continue
            }
            #expect(json["\(key)_reason"]?.text?.isEmpty == false, "\(key)")
        }
        #expect(json["probe_reason"]?.text == "ike_probe = \"never\"")
    }
}
