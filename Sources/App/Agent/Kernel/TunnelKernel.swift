import KernelState

/// What the kernel knows of one tunnel.
struct TunnelKernel: Sendable {
    /// Why nothing is known; nil when something is.
    var reason: String? = "the kernel was not asked yet"
}
