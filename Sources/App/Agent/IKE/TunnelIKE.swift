import IKE

/// What is known of one tunnel's IKE: on the wire, from the key daemon, from probes.
struct TunnelIKE: Sendable {
    /// Why nothing is known; nil when something is.
    var reason: String? = "IKE was not looked at yet"
}
