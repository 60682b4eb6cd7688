import Configuration
import NetworkPrimitives
import PacketCapture

/// A device to capture on.
struct CapturePlace: Hashable, Sendable {
    /// The named network namespace; nil for the agent's own.
    var namespace: String?
    /// The device's name.
    var device: String
}

extension CapturePlace: CustomStringConvertible {
    /// Like `eth0`, or `eth0 in namespace blue`.
    var description: String {
        namespace.map { "\(device) in namespace \($0)" } ?? device
    }
}

/// What is captured on one device, and for which tunnels.
struct CapturePlan: Equatable, Sendable {
    var place: CapturePlace
    /// The tunnels whose ESP is seen there, by their outer addresses.
    var tunnels: KnownTunnels
    var filter: CaptureFilter
    var settings: LiveCapture.Settings
    /// The window sizes whose drops are predicted: those of all its tunnels, sorted.
    var windows: [Int]

    /// What the handle of the ESP takes.
    var channel: CapturedDevice.Channel { .init(settings: settings, filter: filter) }

    /// Why a tunnel's ESP is not captured; nil when it is.
    static func obstacle(to plan: TunnelPlan) -> String? {
        guard plan.configuration.probing.capture else {
            return "capture = false in the configuration of this tunnel"
        }
        guard plan.remote != nil else {
            return "the address of \(plan.configuration.remote) is not known yet"
        }
        guard plan.wanInterface != nil else {
            return "the WAN interface is not known: "
                + (plan.unknown["wan_interface"] ?? "set wan_interface")
        }
        return nil
    }

    /// Where ESP is seen; nil when the interface is not known.
    static func place(of plan: TunnelPlan) -> CapturePlace? {
        plan.wanInterface.map {
            CapturePlace(namespace: plan.configuration.netns, device: $0)
        }
    }

    /// One plan for each device, sorted by device.
    ///
    /// What several tunnels share is as large as the largest of them wants it.
    static func plans(for tunnels: [TunnelPlan]) -> [CapturePlan] {
        let captured = tunnels.filter { obstacle(to: $0) == nil }
        let groups = Dictionary(grouping: captured) { place(of: $0) }
        return groups.compactMap { place, tunnels in place.map { CapturePlan($0, tunnels) } }
            .sorted { $0.place.description < $1.place.description }
    }

    private init(_ place: CapturePlace, _ tunnels: [TunnelPlan]) {
        self.place = place
        self.tunnels = KnownTunnels(of: tunnels)
        let probing = tunnels.map(\.configuration.probing)
        let isMirror = tunnels.contains { $0.configuration.role == .observer }
        filter = CaptureFilter(
            endpoints: Set(tunnels.compactMap(\.remote)), looksBehindTags: isMirror)
        settings = LiveCapture.Settings(
            bufferSize: probing.map(\.captureBuffer.bytes).max() ?? 4 << 20,
            isPromiscuous: isMirror)
        // Those by which the shape of drops is read are always among them (algorithms §2.2).
        windows = Set(probing.flatMap(\.replayWindows) + ReplayWindowReading.measured).sorted()
    }
}
