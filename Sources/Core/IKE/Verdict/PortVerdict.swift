public import NetworkPrimitives

/// What a UDP port of the peer does with IKE: the value of `ike.udp_500` and `ike.udp_4500`.
public struct PortVerdict: Equatable, Sendable {
    /// What it does.
    public let state: IKEProbeReport.PortState
    /// What that rests on, a sentence; why it is unknown where it is.
    public let reason: String

    /// How long an answer on the wire outweighs the silence that a probe met: a firewall may let
    /// through packets from port 500 alone, and the probe's come from another.
    public static let memory = Duration.seconds(60)

    /// Judges.
    ///
    /// - Parameters:
    ///   - probe: what the port did with a probe; nil when there was none.
    ///   - probedAt: when that was decided.
    ///   - wireAnswered: whether the peer answered there on the wire; nil when nothing was asked.
    ///   - wireSeenAt: when IKE was seen last.
    ///   - unprobed: why there was no probe.
    public init(
        probe: IKEProbeReport.Port?, at probedAt: MonotonicInstant?, wireAnswered: Bool?,
        wireSeenAt: MonotonicInstant?, unprobed: String
    ) {
        switch (probe?.state ?? .unknown, wireAnswered) {
        case (.open, _): (state, reason) = (.open, "the peer answered a probe")
        case (.unknown, true?): (state, reason) = (.open, "the peer answers the key daemon")
        case (.unknown, false?):
            (state, reason) = (.filtered, "the key daemon's requests are not answered")
        case (.unknown, nil):
            (state, reason) = (.unknown, probe?.reason ?? unprobed)
        case (let probed, true?) where Self.isRecent(wireSeenAt, probedAt):
            state = .open
            reason =
                "the peer answers the key daemon, though not the probe, which comes from another port"
                + (probed == .unreachable ? " and drew an ICMP error" : "")
        case (.unreachable, _):
            state = .unreachable
            let sender = (probe?.rejection?.sender).map { " from \($0)" } ?? ""
            reason = "a probe drew \(probe?.rejection?.kind ?? "an ICMP error")\(sender)"
        case (.filtered, _):
            (state, reason) = (.filtered, "\(probe?.sent ?? 0) probes were not answered")
        }
    }

    private static func isRecent(
        _ seenAt: MonotonicInstant?, _ probedAt: MonotonicInstant?
    ) -> Bool {
        guard let seenAt, let probedAt else { return false }
        return seenAt > probedAt - memory
    }
}
