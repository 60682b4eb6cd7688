import ESPAnalysis
import IKE
import NetworkPrimitives

/// What is captured, of every device and every tunnel, at one moment.
struct CaptureReport: Sendable {
    /// The devices, sorted by name.
    var places: [CaptureThread.Snapshot] = []
    /// The tunnels by name.
    var tunnels: [String: TunnelCapture] = [:]

    /// What is captured of a tunnel.
    subscript(tunnel: String) -> TunnelCapture { tunnels[tunnel] ?? TunnelCapture() }

    /// Why devices are not captured on, where waiting will not mend it.
    var obstacles: [String] {
        places.compactMap { place in
            if case .impossible(let reason) = place.condition { reason } else { nil }
        }
    }
}

/// What is captured of one tunnel.
struct TunnelCapture: Sendable {
    /// The device it is captured on; nil when it is not.
    var place: CapturePlace?
    /// Why nothing is captured now; nil when something is.
    var reason: String? = "this host was not looked at yet"
    /// Whether waiting will not mend that.
    var isImpossible = false
    /// Its streams, with most packets first.
    var streams: [CapturedStream] = []
    /// Its counters, zero where nothing was captured yet.
    var traffic = TunnelTraffic()
    /// What its streams say about senders now.
    var senders = TunnelSenders()
    /// Whether the capture sees all of it.
    var completeness = CompletenessCheck.Verdict.unknown("nothing was captured yet")
    /// Packets that the capture on its device lost in the last minute.
    var recentDrops: UInt64 = 0
    /// The anti-replay window of its newest inbound SA; nil where the kernel does not say.
    var kernelWindow: Int?

    /// What was seen of its inside.
    var inside = InsideReport(unknown: "this host was not looked at yet")
    /// What was seen of its IKE; nil when no packet of it was.
    var ike: IKEWireReport?
    /// Why its IKE is not captured now; nil when it is.
    var ikeReason: String?

    /// Whether what is captured is known at all.
    var isKnown: Bool { reason == nil || !streams.isEmpty }

    /// The stream of a direction that stands for the others: the one that had a packet last.
    func principal(_ direction: TrafficDirection) -> CapturedStream? {
        streams.filter { $0.direction == direction }
            .max { $0.report.lastArrival < $1.report.lastArrival }
    }
}
