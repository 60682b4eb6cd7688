/// How a replay window is turned off.
enum AntiReplaySteps {
    /// The guide's paragraph.
    static let guide =
        "IPsec, tunnel Down or Degraded after a completed negotiation: disable anti-replay protection, or set "
        + "the replay window to 0"

    /// The steps of the catalogue, for any equipment.
    static let general: [String] =
        [
            "turn the replay window off on the end of the tunnel that receives: "
                + ProviderFacts.replayWindow.citation
        ] + VendorTable.remedies(.antiReplayOff, withLinux: true)
        + ["by hand: ip xfrm state … replay-window 0 for the inbound SA"]

    /// The steps for one tunnel of this host.
    ///
    /// - Parameters:
    ///   - facts: the tunnel.
    ///   - isExtended: whether its SA has extended sequence numbers.
    ///   - largerWindow: a window that would do; nil where none does.
    /// - Returns: a step each.
    static func steps(
        for facts: TunnelFacts, isExtended: Bool, largerWindow: Int? = nil
    ) -> [String] {
        let prefix = facts.identity.commandPrefix
        let connection = facts.connectionName
        var steps: [String] = []
        if isExtended {
            steps.append(
                "take the suffix -esn out of esp_proposals first: Linux refuses window 0 with extended "
                    + "sequence numbers, and the provider needs them off")
        }
        if let largerWindow {
            steps.append(
                "replay_window = \(largerWindow) in the child is enough, if one server sends")
        }
        let isStatic = facts.identity.isStatic == true
        let daemon = facts.ike.daemon ?? ""
        if !isStatic, !daemon.contains("libreswan") {
            steps += [
                "strongSwan: replay_window = 0 in connections.\(connection).children.\(facts.childName) of "
                    + "swanctl.conf",
                "\(facts.renewal)  # cuts the tunnel for a moment; a rekey would keep the old window",
            ]
        }
        if !isStatic, !daemon.contains("strongSwan") {
            steps.append(
                "libreswan: replay-window=0 in conn \(connection), then ipsec auto --replace \(connection) "
                    + "and ipsec up \(connection)")
        }
        if isStatic || daemon.isEmpty {
            steps.append(
                "SAs made by hand: install the inbound SA anew with replay-window 0 "
                    + "(\(prefix)ip xfrm state delete …, then add … replay-window 0)")
        }
        steps.append(
            "\(prefix)ip -s xfrm state  # replay-window 0 on the inbound SA, and its counters stand still"
        )
        if let vendors = VendorTable.remedy(.antiReplayOff) { steps.append(vendors) }
        return steps
    }
}
