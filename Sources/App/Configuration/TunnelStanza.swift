internal import NetworkPrimitives

/// The `[[tunnel]]` of an `agent.conf`, written for a tunnel that was found and not configured.
public enum TunnelStanza {
    /// A key whose value the finder of a tunnel may not know.
    public enum Key: String, CaseIterable, Hashable, Sendable {
        /// The outer source.
        case local
        /// Where ESP is seen.
        case wanInterface = "wan_interface"
        /// The route-based device.
        case tunnelInterface = "tunnel_interface"
        /// This side's inside address.
        case insideSource = "inside_source"
        /// The far side's inside address.
        case insideTarget = "inside_target"
        /// An address beyond the far end.
        case insideBeyond = "inside_beyond"
    }

    /// Writes a stanza that `AgentConfiguration.parse` reads back as `tunnel`.
    ///
    /// It holds what identifies a tunnel: name, role, the outer and inside addresses, devices, mark
    /// and namespace. The mark and the namespace are left out where there is none. All else is left
    /// to the defaults.
    ///
    /// - Parameters:
    ///   - tunnel: what was found; its name is written as `TunnelName.sanitized` gives it.
    ///   - reasons: why a key has no value; such a key stands there as a comment, with the reason.
    /// - Returns: whole lines.
    public static func text(
        for tunnel: TunnelConfiguration, reasons: [Key: String] = [:]
    ) -> String {
        var lines = ["[[tunnel]]"]
        func known(_ key: String, _ value: String) {
            lines.append("\(key) = \(value)")
        }
        func perhaps(_ key: Key, _ value: String?) {
            if let value {
                known(key.rawValue, TOMLText.basicString(value))
            } else {
                let reason = reasons[key] ?? "not known"
                lines.append("# \(key.rawValue) = \"\"  # \(TOMLText.oneLine(reason))")
            }
        }
        known("name", TOMLText.basicString(TunnelName.sanitized(tunnel.name)))
        known("role", TOMLText.basicString(tunnel.role.rawValue))
        known("remote", TOMLText.basicString(tunnel.remote.description))
        perhaps(.local, tunnel.local?.description)
        perhaps(.wanInterface, tunnel.wanInterface)
        perhaps(.tunnelInterface, tunnel.tunnelInterface)
        perhaps(.insideSource, tunnel.insideSource?.description)
        perhaps(.insideTarget, tunnel.insideTarget?.description)
        perhaps(.insideBeyond, tunnel.insideBeyond?.description)
        if tunnel.fwmark != 0 { known("fwmark", "0x" + String(tunnel.fwmark, radix: 16)) }
        if let netns = tunnel.netns { known("netns", TOMLText.basicString(netns)) }
        return lines.joined(separator: "\n") + "\n"
    }
}
