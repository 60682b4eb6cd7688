import Configuration
import KernelState
import NetworkPrimitives
import PacketCapture

/// What is captured of the inside of tunnels, and where.
///
/// On a tunnel's device pass the packets that the kernel decrypted or is to encrypt; nothing is there
/// for a policy-based tunnel, whose decrypted packets show at the WAN once more, and what leaves only
/// encrypted. The WAN shows answers that leave beside the tunnel, and what routers say of its packets.
struct InsidePlan: Equatable, Sendable {
    /// One tunnel.
    struct Tunnel: Equatable, Sendable {
        var name: String
        /// Its own device; nil where it has none or it is not known.
        var device: CapturePlace?
        /// The device that its ESP goes over; nil while not known.
        var wan: CapturePlace?
        /// Why nothing of its inside is captured, or why not all of it; nil when all is.
        var obstacle: String?
        /// Whether its decrypted packets are looked for at the WAN.
        var isPolicyBased: Bool
        var local: IPAddress?
        var remote: IPAddress?
        /// The far end's inside address, as far as it is probed.
        var farAddress: IPAddress?
        /// The target of health checks that the operator states.
        var expectedTarget: IPAddress?
    }

    var tunnels: [Tunnel]

    /// What is captured of some tunnels.
    init(for plans: [TunnelPlan]) { tunnels = plans.map { Tunnel(of: $0) } }

    /// What a device is to these tunnels.
    struct Roles: Equatable, Sendable {
        var isTunnel = false
        var isWAN = false
        var isPolicyWAN = false

        /// What its handles take, by direction, with the direction of each.
        var channels: [(direction: TrafficDirection, channel: CapturedDevice.Channel)] {
            TrafficDirection.allCases.map { direction in
                var traffic: Set<CaptureFilter.Traffic> = []
                if isTunnel { traffic.formUnion([.echo, .openingSegments]) }
                switch direction {
                case .inbound:
                    if isWAN { traffic.insert(.packetTooBig) }
                    if isPolicyWAN { traffic.formUnion([.echo, .openingSegments]) }
                case .outbound:
                    if isWAN { traffic.insert(.echo) }
                }
                return (
                    direction,
                    CapturedDevice.Channel(
                        settings: LiveCapture.Settings(
                            snapshotLength: InsidePlan.snapshotLength,
                            bufferSize: LiveCapture.Settings.minimumBufferSize),
                        filter: CaptureFilter(everybodys: traffic, direction))
                )
            }
        }
    }

    /// All of an ICMP error that keeps to RFC 1812 §4.3.2.3, so that its checksum can be verified.
    private static let snapshotLength = 640

    /// The devices to capture on.
    var places: [CapturePlace: Roles] {
        var places: [CapturePlace: Roles] = [:]
        for tunnel in tunnels {
            if let device = tunnel.device { places[device, default: Roles()].isTunnel = true }
            guard let wan = tunnel.wan else { continue }
            places[wan, default: Roles()].isWAN = true
            if tunnel.isPolicyBased { places[wan, default: Roles()].isPolicyWAN = true }
        }
        return places
    }
}

extension InsidePlan.Tunnel {
    init(of plan: TunnelPlan) {
        name = plan.name
        isPolicyBased = plan.kind == .policy
        local = plan.local
        remote = plan.remote
        let route = plan.roles[ProbeRole(.inside, .request).index].route
        farAddress = route?.destination
        expectedTarget = plan.configuration.expect.target
        obstacle = Self.obstacle(to: plan)
        func place(_ device: String?) -> CapturePlace? {
            device.map { CapturePlace(namespace: plan.configuration.netns, device: $0) }
        }
        let isCaptured =
            plan.configuration.probing.capture && plan.configuration.role == .endpoint
        device = isCaptured ? place(plan.tunnelInterface) : nil
        wan = isCaptured && plan.remote != nil ? place(plan.wanInterface) : nil
    }

    private static func obstacle(to plan: TunnelPlan) -> String? {
        guard plan.configuration.probing.capture else {
            return "capture = false in the configuration of this tunnel"
        }
        guard plan.configuration.role == .endpoint else {
            return "an appliance ends this tunnel: here are encrypted packets only"
        }
        guard plan.tunnelInterface == nil else { return nil }
        if plan.kind == .policy {
            return "a policy-based tunnel has no device on which inside packets could be seen"
        }
        return "the tunnel's device is not known: "
            + (plan.unknown["tunnel_interface"] ?? "set tunnel_interface")
    }
}
