import NetworkPrimitives

// What several rules ask of a tunnel.

extension TunnelFacts {
    /// Whether the far inside address answers now; nil while nobody asked, or nothing was decided.
    var isInsideAnswering: Bool? {
        guard health.isFromInside.value == true else { return nil }
        switch health.state.value {
        case .healthy?, .degraded?: return true
        case .down?: return false
        case .unknown?, nil: return nil
        }
    }

    /// What shows that this host is to end the tunnel by IPsec, a part of a sentence; nil where nothing does.
    var signOfIPsec: String? {
        switch identity.kind {
        case .vti, .xfrm: return "its device is made for IPsec"
        case .policy: return "it was configured by policies"
        case .gre, .unknown: break
        }
        if let connection = ike.connection { return "the key daemon has connection \(connection)" }
        if ike.isInUse { return "IKE was seen on the wire" }
        if kernel.policies.value?.isEmpty == false { return "the kernel has policies for it" }
        if kernel.associations.value?.isEmpty == false { return "the kernel has SAs of it" }
        return nil
    }

    /// Both outer addresses for people.
    var ends: String {
        "\(identity.local?.description ?? "this host") and "
            + (identity.remote?.description ?? "the endpoint")
    }

    /// The endpoint for commands.
    var remoteText: String { identity.remote?.description ?? "ENDPOINT" }

    /// This side's outer address for commands.
    var localText: String { identity.local?.description ?? "LOCAL" }

    /// The family word of nft for the outer addresses.
    var nftFamily: String { identity.remote?.family == .v6 ? "ip6" : "ip" }

    /// Why rules of this host's IPsec do not apply; nil where they do.
    var observerReason: String? {
        identity.role == .observer
            ? "an appliance ends the tunnel: this host has no SA, device or policy of it" : nil
    }

    /// Why rules of IKE do not apply; nil where they do.
    var noIKEReason: String? {
        identity.isStatic == true
            ? "the keys were set by hand: no IKE negotiates this tunnel" : nil
    }

    /// The connection in the key daemon's configuration, or a word to put it in place of.
    var connectionName: String { ike.connection ?? "CONNECTION" }
    /// The child SA in it.
    var childName: String { ike.child ?? "CHILD" }

    /// A command of strongSwan to the daemon that has the tunnel.
    func swanctl(_ command: String) -> String {
        "\(identity.commandPrefix)swanctl \(command)"
            + (identity.viciURI.map { " --uri \($0)" } ?? "")
    }

    /// Has strongSwan negotiate the tunnel; without the child it would be an IKE SA alone, which carries nothing
    /// (swanctl.conf(5), `childless`).
    var initiation: String { swanctl("--initiate --child \(childName) --ike \(connectionName)") }

    /// Has a changed configuration take effect: a rekey would keep the configuration of the child SA that it
    /// replaces.
    var renewal: String {
        "\(swanctl("--load-conns")) && \(swanctl("--terminate --child \(childName)")) && \(initiation)"
    }

    /// Steps that show what a key daemon says and have it try again.
    var negotiationSteps: [String] {
        [
            "\(initiation)  # strongSwan; libreswan: ipsec auto --up \(connectionName)",
            "\(swanctl("--log"))  # strongSwan; libreswan: journalctl -fu ipsec",
        ]
    }
}

extension Duration {
    /// For people: `12 s`, `3 min`, `2 h`.
    var spoken: String {
        let seconds = Int64(
            (Double(components.seconds) + Double(components.attoseconds) / 1e18).rounded())
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) days"
        }
    }
}
