/// All rules: a diagnosis is added with one line here.
public enum RuleTable {
    /// The rules of tunnels, in the catalogue's order.
    public static let rules: [any Rule.Type] = [
        IKEPort500Blocked.self, IKEPort4500Blocked.self, ESPBlocked.self, IKENoProposal.self,
        IKEAuthenticationFailed.self, IKEIdentityMismatch.self, AntiReplayDrops.self,
        AntiReplayEnabled.self, FirewallDropsReplyProbe.self, MartianSourceDropsReplyProbe.self,
        ISPBlocksICMPReply.self, PolicyBasedReplyUnsupported.self,
        HealthCheckTargetUnroutable.self, TunnelFlaps.self, RekeyDisruption.self,
        RekeyTemporaryFailure.self, DPDNotRestart.self, SALifetimeShort.self,
        PathMTUBlackHole.self, TunnelMTUTooLarge.self, MSSNotClamped.self, ESPFragmented.self,
        ESNEnabled.self, UnderlayDown.self, UnderlayLoss.self, InsidePathDown.self,
        NoSecurityAssociation.self, TunnelInterfaceDown.self, SAReboundNAT.self,
        PathReordering.self, ReplaySuspected.self, CaptureIncomplete.self, AgentDegraded.self,
    ]

    /// What the catalogue says of an id; nil for one that no rule has.
    public static func entry(of id: FindingID) -> CatalogueEntry? {
        rules.lazy.map { $0.entry }.first { $0.id == id }
    }
}
