extension TunnelIKE {
    /// The value of `ike`; nil when nothing is known.
    var json: JSONValue? { nil }
}
