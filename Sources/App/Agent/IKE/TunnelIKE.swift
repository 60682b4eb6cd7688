import ESPAnalysis
import IKE
import KernelState
import NetworkPrimitives

/// What is known of one tunnel's IKE: on the wire, from the key daemon, from probes.
struct TunnelIKE: Sendable {
    /// Why nothing is known; nil when something is.
    var reason: String? = "IKE was not looked at yet"
    /// The last probe; nil when there was none.
    var probe: IKEProbeReport?
    /// How long ago it ended.
    var probeAge: Duration?
    /// Why there was no probe.
    var unprobed = "not probed yet"
    /// What was seen on the wire; nil where nothing was captured.
    var wire: IKEWireReport?
    /// Why nothing was.
    var unwired = "IKE is not captured"
    /// What the key daemon says; nil when it was not asked.
    var daemon: KeyDaemonReport?
    /// When this was put together, on both clocks.
    var now = MonotonicInstant(nanoseconds: 0)
    var wall = WallTime(nanoseconds: 0)
    /// What each port does.
    var ports: [PortVerdict] = []
    /// Whether ESP flows.
    var flow = ESPFlow.unknown(reason: "not looked at yet")
    /// Why a negotiation fails.
    var verdict = IKEVerdict([], IKEVerdict.Circumstances())

    /// Nothing is known yet.
    init() {}

    /// Joins what is known.
    ///
    /// - Parameters:
    ///   - result: the last probe.
    ///   - unprobed: why there is none.
    ///   - wire: what was seen on the wire.
    ///   - daemon: what the key daemon says.
    ///   - capture: the tunnel's ESP.
    ///   - kernel: its SAs.
    ///   - watched: for how long there has been a capture.
    ///   - now: the current instant.
    ///   - wall: the same moment on the wall clock.
    init(
        probe result: IKEService.Result?, unprobed: String, wire: IKEWireReport?,
        daemon: KeyDaemonReport?, capture: TunnelCapture, kernel: TunnelKernel,
        watched: Duration, at now: MonotonicInstant, wall: WallTime
    ) {
        reason = nil
        self.now = now
        self.wall = wall
        probe = result?.report
        probeAge = result.map { now - $0.endedAt }
        self.unprobed = unprobed
        self.wire = wire
        unwired = capture.reason ?? "no IKE was seen on the wire"
        self.daemon = daemon
        let answered = [wire?.answered500, wire?.answered4500]
        for (index, wireAnswered) in answered.enumerated() {
            ports.append(
                PortVerdict(
                    probe: result?.report.ports[index], at: result?.endedAt,
                    wireAnswered: wireAnswered, wireSeenAt: wire?.lastSeen, unprobed: unprobed))
        }
        flow = Self.flow(of: capture, watched, now)
        let associations = kernel.associations.value
        verdict = Self.verdict(
            result, wire, daemon, associations: associations?.map(\.association),
            isWatched: capture.reason == nil)
    }

    /// What the peer was seen to choose: for a probe, for the daemon.
    var accepted: [String] {
        let chosen = (probe?.accepted ?? []) + [wire?.chosen].compactMap { $0 }
        return chosen.map(\.description).reduce(into: []) { known, name in
            if !known.contains(name) { known.append(name) }
        }
    }

    private static func flow(
        of capture: TunnelCapture, _ watched: Duration, _ now: MonotonicInstant
    ) -> ESPFlow {
        guard capture.reason == nil || !capture.streams.isEmpty else {
            return .unknown(reason: capture.reason ?? "ESP is not captured")
        }
        func seen(_ direction: TrafficDirection) -> ESPFlow.Direction {
            let streams = capture.streams.filter { $0.direction == direction }
            return ESPFlow.Direction(
                packets: streams.reduce(0) { $0 + $1.report.packets },
                lastSeen: streams.map(\.report.lastArrival).max())
        }
        return ESPFlow(
            inbound: seen(.inbound), outbound: seen(.outbound), watched: watched, at: now)
    }

    private static func verdict(
        _ probe: IKEService.Result?, _ wire: IKEWireReport?, _ daemon: KeyDaemonReport?,
        associations: [SecurityAssociation]?, isWatched: Bool
    ) -> IKEVerdict {
        var sightings: [IKEVerdict.Sighting] = []
        var circumstances = IKEVerdict.Circumstances()
        if let failure = daemon?.failure {
            sightings.append(IKEVerdict.Sighting(failure, by: .daemon))
        }
        if let failure = wire?.failure {
            sightings.append(IKEVerdict.Sighting(failure, by: .wire, at: wire?.lastSeen))
        }
        if let failure = probe?.report.failure {
            sightings.append(IKEVerdict.Sighting(failure, by: .probe, at: probe?.endedAt))
        }
        let hasAssociations = associations.map { !$0.isEmpty }
        circumstances.hasAssociations = hasAssociations
        circumstances.isStatic =
            wire?.lastSeen == nil && daemon?.connection == nil && hasAssociations == true
            && associations?.allSatisfy(\.isEndless) == true
        // The wire shows the agent's own probes too, which a peer may leave unanswered.
        if let daemon, daemon.reason == nil {
            circumstances.isUp = daemon.association?.state == "ESTABLISHED"
        }
        // A child SA in the kernel and no word of IKE: whatever a probe met, it did not keep the SA
        // from being there.
        if hasAssociations == true, daemon?.failure == nil, wire?.failure == nil {
            sightings.removeAll { $0.origin == .probe }
        }
        if !isWatched || wire?.lastSeen == nil {
            let daemonReason = daemon.map { $0.reason ?? "the key daemon reported none" }
            circumstances.blindness =
                "no IKE was seen on the wire since the watch began, and "
                + (daemonReason ?? "no key daemon was asked")
        }
        return IKEVerdict(sightings, circumstances)
    }
}

extension IKEProbeReport {
    /// The failure that the probe met; nil when it met none, or one that says nothing of a real
    /// negotiation.
    var failure: IKEFailure? {
        let answered = ports.filter { $0.state == .open }
        if answered.isEmpty {
            return ports.allSatisfy { $0.state == .filtered || $0.state == .unreachable }
                ? .noResponse : nil
        }
        // The peer may take the second offer; the provider's parameters it does not.
        let refused = answered.contains { port in
            port.refusals.contains { $0.kind == .noProposalChosen }
        }
        return refused && !answered.contains { $0.chosen != nil && !$0.isChosenOfOthers }
            ? .noProposal : nil
    }
}

extension SecurityAssociation {
    /// Whether nothing ends it, as no key daemon would install it: it was made by hand.
    var isEndless: Bool {
        softExpiresAt == nil && hardExpiresAt == nil && volumeLimits == VolumeLimits()
    }
}
