import Configuration
import KernelState
import NetworkPrimitives
import PathMTU
import ReplyPath

extension PathSubject {
    /// What a round of this path is to do.
    ///
    /// - Parameters:
    ///   - wantsSearch: whether the largest packet is searched.
    ///   - wantsLadder: whether the ladder is climbed.
    ///   - isUrgent: whether somebody waits.
    ///   - snapshot: what the kernel knows of the namespace; nil while it was not asked.
    ///   - end: when it ends at the latest.
    /// - Returns: nil when there is nothing to send.
    func order(
        search wantsSearch: Bool, ladder wantsLadder: Bool, isUrgent: Bool,
        snapshot: KernelSnapshot?, until end: MonotonicInstant
    ) -> PathRoundOrder? {
        let searchRoute = wantsSearch ? search.route : nil
        let ladderRoute = wantsLadder ? ladder.route : nil
        guard let route = searchRoute ?? ladderRoute else { return nil }
        var order = PathRoundOrder(
            path: path, route: route, captureDevice: captureDevice,
            leavesByCaptureDevice: leavesInPlain,
            pacedTunnel: path == .inside ? plan.name : nil, end: end)
        if let target = searchRoute?.destination {
            let ceiling = snapshot.flatMap { deviceMTU(in: $0) } ?? PathSockets.longestPacket
            order.search = PathRoundOrder.Search(
                target: target,
                settings: PathMTUSearch.Settings(
                    family: target.family, ceiling: min(ceiling, PathSockets.longestPacket),
                    isUrgent: isUrgent))
        }
        if let target = ladderRoute?.destination {
            let isInside = path == .inside
            let natReason = path == .outside ? snapshot.flatMap(addressTranslation) : nil
            let networks = snapshot?.addresses.value?.map(\.prefix) ?? []
            order.ladder = PathRoundOrder.Ladder(target: target) { source, seesLeaving in
                ReplyLadder.Settings(
                    source: source, target: target, isInside: isInside, isUrgent: isUrgent,
                    natReason: natReason, localNetworks: networks, seesLeaving: seesLeaving)
            }
        }
        return order.search == nil && order.ladder == nil ? nil : order
    }

    /// The device to capture, or why none is.
    private var captureDevice: Reading<String> {
        guard plan.configuration.probing.capture else {
            return .unknown(reason: "capture = false in the configuration of this tunnel")
        }
        return device
    }

    /// What hints at a NAT before this host; nil for nothing.
    ///
    /// A private source before a public endpoint the ladder sees for itself.
    private func addressTranslation(_ snapshot: KernelSnapshot) -> String? {
        guard let remote = plan.remote else { return nil }
        let associations = TunnelDiscovery.associations(
            device: plan.tunnelInterface, local: plan.local, remote: remote, in: snapshot)
        let isEncapsulated = associations.contains {
            if case .udp = $0.association.encapsulation { true } else { false }
        }
        return isEncapsulated
            ? "the SA is encapsulated in UDP, which is agreed on where a NAT was detected" : nil
    }
}
