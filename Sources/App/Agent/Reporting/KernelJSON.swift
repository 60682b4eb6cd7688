extension TunnelKernel {
    /// The value of `kernel`; nil when nothing is known.
    var json: JSONValue? { nil }
}
