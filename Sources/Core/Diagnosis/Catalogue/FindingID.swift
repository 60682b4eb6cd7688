/// The ids of the catalogue, in the order in which causes come before what they cause.
public enum FindingID: String, CaseIterable, Sendable {
    /// IKE gets no answer on UDP port 500.
    case ikePort500Blocked = "ike-port-500-blocked"
    /// IKE gets no answer on UDP port 4500.
    case ikePort4500Blocked = "ike-port-4500-blocked"
    /// ESP leaves and nothing comes back, or the reverse.
    case espBlocked = "esp-blocked"
    /// The peer accepts none of the offered proposals.
    case ikeNoProposal = "ike-no-proposal"
    /// The peer refuses the authentication.
    case ikeAuthenticationFailed = "ike-authentication-failed"
    /// An IKE identity is not the one that the other side expects.
    case ikeIdentityMismatch = "ike-identity-mismatch"
    /// The kernel's replay window drops packets of the tunnel.
    case antiReplayDrops = "anti-replay-drops"
    /// A replay window is on, and several senders share the SA.
    case antiReplayEnabled = "anti-replay-enabled"
    /// Echo Replies die on this host or at its first hop.
    case firewallDropsReplyProbe = "firewall-drops-reply-probe"
    /// The kernel drops reply-style health checks for their source address.
    case martianSourceDropsReplyProbe = "martian-source-drops-reply-probe"
    /// Echo Replies die beyond the first hop of the underlay.
    case ispBlocksICMPReply = "isp-blocks-icmp-reply"
    /// The selectors do not cover reply-style health checks.
    case policyBasedReplyUnsupported = "policy-based-reply-unsupported"
    /// The target of the health checks is not reached through the tunnel.
    case healthCheckTargetUnroutable = "health-check-target-unroutable"
    /// The tunnel flaps.
    case tunnelFlapping = "tunnel-flapping"
    /// The tunnel is unhealthy after rekeys.
    case rekeyDisruption = "rekey-disruption"
    /// Rekeys are refused with TEMPORARY_FAILURE again and again.
    case rekeyTemporaryFailure = "rekey-temporary-failure"
    /// A dead peer does not make the key daemon start again.
    case dpdNotRestart = "dpd-not-restart"
    /// SAs live shorter than the provider advises.
    case saLifetimeShort = "sa-lifetime-short"
    /// Packets over a size vanish without Packet Too Big.
    case pmtuBlackHole = "pmtu-black-hole"
    /// The tunnel lets in packets that its path does not carry whole.
    case tunnelMTUTooLarge = "tunnel-mtu-too-large"
    /// Forwarded TCP SYNs leave with an MSS over the limit.
    case mssNotClamped = "mss-not-clamped"
    /// Fragments of outer packets were seen.
    case espFragmented = "esp-fragmented"
    /// Extended sequence numbers are on.
    case esnEnabled = "esn-enabled"
    /// The outside path itself is down.
    case underlayDown = "underlay-down"
    /// The outside path loses packets.
    case underlayLoss = "underlay-loss"
    /// ESP flows, and the far inside address does not answer.
    case insidePathDown = "inside-path-down"
    /// Nothing is negotiated for the tunnel.
    case noSecurityAssociation = "no-security-association"
    /// The tunnel's device is missing or down.
    case tunnelInterfaceDown = "tunnel-interface-down"
    /// A NAT changed the peer's mapping.
    case saReboundNAT = "sa-rebound-nat"
    /// The path reorders more than 0.1 % of the packets of single senders.
    case pathReordering = "path-reordering"
    /// Byte-identical ESP packets return late.
    case replaySuspected = "replay-suspected"
    /// The analysis does not see all packets, so its figures are bounds.
    case captureIncomplete = "capture-incomplete"
    /// A capability, kernel feature or permission is missing, so something is not measured.
    case agentDegraded = "agent-degraded"

    /// The severities it can take, the one it usually has first.
    public var severities: [Finding.Severity] {
        switch self {
        case .ikePort500Blocked, .ikePort4500Blocked, .espBlocked, .ikeNoProposal,
            .ikeAuthenticationFailed, .ikeIdentityMismatch, .antiReplayDrops,
            .rekeyTemporaryFailure, .underlayDown, .insidePathDown, .noSecurityAssociation,
            .tunnelInterfaceDown:
            [.critical]
        case .antiReplayEnabled, .tunnelFlapping, .rekeyDisruption, .dpdNotRestart, .pmtuBlackHole,
            .tunnelMTUTooLarge, .mssNotClamped, .espFragmented, .esnEnabled, .underlayLoss,
            .pathReordering, .replaySuspected:
            [.warning]
        case .firewallDropsReplyProbe, .ispBlocksICMPReply: [.warning, .critical]
        case .martianSourceDropsReplyProbe, .policyBasedReplyUnsupported,
            .healthCheckTargetUnroutable:
            [.info, .critical]
        case .saLifetimeShort, .saReboundNAT, .captureIncomplete, .agentDegraded: [.info]
        }
    }
}
