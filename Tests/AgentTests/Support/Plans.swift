@testable import Agent
import Configuration
import NetworkPrimitives

/// An address in a test; a text that is none is the test's mistake.
func ip(_ text: String) -> IPAddress {
    guard let address = IPAddress(text) else { preconditionFailure("\(text) is no IP address") }
    return address
}

extension TunnelPlan {
    /// A tunnel made up for a test: any target left out is a role that is not probed.
    static func made(
        _ name: String, remote: RemoteHost? = nil, outside: IPAddress? = nil,
        inside: IPAddress? = nil, beyond: IPAddress? = nil, device: String? = nil,
        probing: ProbingSettings = ProbingSettings()
    ) -> TunnelPlan {
        func role(_ destination: IPAddress?, _ device: String?, _ reason: String) -> RolePlan {
            destination.map { .probe(ProbeRoute(destination: $0, device: device)) }
                ?? .unavailable(reason: reason)
        }
        let remote = remote ?? .address(outside ?? ip("192.0.2.1"))
        let outsideRole = role(outside, nil, "no outside target in this test")
        return TunnelPlan(
            configuration: TunnelConfiguration(name: name, remote: remote, probing: probing),
            kind: device == nil ? .policy : .xfrm, local: nil, remote: outside, wanInterface: nil,
            tunnelInterface: device, unknown: ["local": "made up", "wan_interface": "made up"],
            roles: [
                role(inside, device, "no inside target in this test"),
                role(beyond, device, "no inside_beyond in this test"), outsideRole, outsideRole,
            ],
            waitingFor: [])
    }
}
