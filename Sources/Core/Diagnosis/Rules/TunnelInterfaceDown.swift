/// `tunnel-interface-down`: the device is missing or down.
enum TunnelInterfaceDown: Rule {
    static let entry = CatalogueEntry(
        .tunnelInterfaceDown,
        meaning: """
            The device that the tunnel is made of (vti, xfrm or gre) is missing or administratively down. \
            Routes over it are gone with it, so nothing enters the tunnel, whatever IKE and the SAs do.
            """,
        evidence: ["the kernel's list of devices, which names it as down or does not have it"],
        remedy: [
            "ip link set dev DEVICE up, and find out who took it down",
            "where it is missing: have what makes it run again (networkd, ifupdown, a hook of the key daemon)",
        ],
        notToConfuse: [
            "a policy-based tunnel has no device, and a device without carrier may still be up"
        ])

    static func judge(_ facts: TunnelFacts) -> Judgement {
        if let reason = facts.observerReason { return .notApplicable(because: reason) }
        guard let name = facts.identity.tunnelInterface else {
            return .notApplicable(because: "the tunnel has no device, or none is known")
        }
        guard let device = facts.kernel.device.value else {
            return .unknown(missing: [
                "device \(name): \(facts.kernel.device.reason ?? "not known")"
            ])
        }
        if device.exists, device.isUp { return .excluded(because: ["\(name) is there and up"]) }
        let prefix = facts.identity.commandPrefix
        var remedy: [String] = []
        if device.exists {
            remedy.append("\(prefix)ip link set dev \(name) up")
            remedy.append(
                "journalctl -b | grep -w \(name)  # who took it down, so that it does not happen again"
            )
        } else {
            remedy.append("\(prefix)ip -d link show type \(facts.deviceType)  # those there are")
            if facts.identity.kind == .xfrm {
                remedy.append(
                    "\(prefix)ip link add \(name) type xfrm dev "
                        + "\(facts.identity.wanInterface ?? "WAN") if_id IF_ID"
                        + "  # IF_ID as if_id_in and if_id_out of the child in swanctl.conf")
            }
            remedy.append(
                "have what makes \(name) run again: networkctl reload (systemd-networkd), ifup \(name) "
                    + "(ifupdown), or the updown script of the connection")
        }
        return .found(
            Finding(
                id: .tunnelInterfaceDown, severity: .critical, confidence: 1,
                summary: device.exists
                    ? "The tunnel's device \(name) is administratively down."
                    : "The tunnel's device \(name) does not exist.",
                evidence: [
                    device.exists
                        ? "the kernel has \(name) without the flag UP"
                        : "the kernel's list of devices has no \(name)"
                ], remedy: remedy))
    }
}

extension TunnelFacts {
    /// The kind of device for `ip link`.
    fileprivate var deviceType: String {
        switch identity.kind {
        case .vti: "vti"
        case .gre: "gre"
        case .xfrm, .policy, .unknown: "xfrm"
        }
    }
}
