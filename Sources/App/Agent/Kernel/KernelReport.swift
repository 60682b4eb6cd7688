import KernelState
import NetworkPrimitives

/// What the kernel's tables and events came to, for all watched tunnels.
struct KernelReport: Sendable {
    /// By the tunnel's name.
    var tunnels: [String: KernelReading] = [:]
    /// Times that the kernel dropped events or answers for lack of socket memory.
    var overruns: UInt64 = 0
    /// Messages of the kernel that could not be read.
    var malformedMessages: UInt64 = 0

    /// What is known of a tunnel's SAs; nil before the first look.
    subscript(tunnel: String) -> KernelReading? { tunnels[tunnel] }
}

/// What is known of one tunnel's SAs.
struct KernelReading: Sendable {
    /// The SAs it has now, newest first; or why they cannot be read.
    var associations: Reading<[DirectedAssociation]>
    /// Why changes are seen only when the tables are read again; nil when events arrive.
    var eventsReason: String?
    /// What its SAs came to over all rekeys.
    var totals: TunnelTotals
    /// What happened to its SAs lately, oldest first.
    var changes: [AssociationChange]
    /// When the SAs were read.
    var readAt: MonotonicInstant
}
