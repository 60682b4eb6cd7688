/// Which way packets go, seen from this host.
public enum TrafficDirection: String, CaseIterable, Hashable, Sendable {
    /// Received by this host.
    case inbound
    /// Sent by this host.
    case outbound
}
