/// `capture-incomplete`: the analysis does not see all packets, so its figures are bounds.
public enum CaptureIncomplete: Rule {
    /// What `probe explain` says of it.
    public static let entry = CatalogueEntry(
        .captureIncomplete,
        meaning: """
            The capture and the kernel's SA counters were compared over the same time and do not agree, or the \
            capture lost packets itself. Nothing is wrong with the tunnel. Loss, reordering, senders and what \
            replay windows would drop are bounds as long as this stands.
            """,
        evidence: [
            "packets captured against packets that the inbound SAs took and refused, 2 % apart or more",
            "packets that the capture lost in the last minute",
        ],
        remedy: [
            "set capture_buffer = \"16MiB\" or more in agent.conf, then systemctl reload tunnel-probe",
            "an ESP offload that takes packets before captures do: rmmod esp4_offload, or "
                + "ethtool -K <device> gro off",
            "ESP arrives at another device: set wan_interface to it",
        ])

    /// Judges one tunnel.
    public static func judge(_ facts: TunnelFacts) -> Judgement {
        guard let gaps = facts.esp.gaps.value else {
            return .unknown(missing: [facts.esp.gaps.reason ?? "whether all packets are captured"])
        }
        guard !gaps.isEmpty else {
            return .excluded(because: ["the capture and the kernel's counters agree"])
        }
        return .found(
            Finding(
                id: .captureIncomplete, severity: .info, confidence: 1,
                summary: facts.esp.gapSummary
                    ?? "The capture does not see all packets of this tunnel: its figures are bounds.",
                evidence: gaps, remedy: facts.esp.gapRemedies))
    }
}
