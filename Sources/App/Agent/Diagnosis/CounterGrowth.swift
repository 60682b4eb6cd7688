import Diagnosis
import ESPAnalysis
import EchoProbing
import KernelState
import NetworkPrimitives
import TunnelHealth

/// The counters of one tunnel at one moment, of which rules want to know how they grew.
struct CounterSample: Sendable {
    /// When they were read.
    var at: MonotonicInstant
    /// What inbound SAs came to over all rekeys; nil where the kernel does not say.
    var inbound: AssociationTotals?
    /// What outbound SAs came to.
    var outbound: AssociationTotals?
    /// ESP packets captured, by direction.
    var capturedInbound: UInt64
    /// See `capturedInbound`.
    var capturedOutbound: UInt64
    /// Hop-limited Echo Requests sent through the tunnel, and those that a router answered.
    var hopProbesSent: UInt64 = 0
    /// See `hopProbesSent`.
    var hopProbesAnswered: UInt64 = 0
    /// XFRM's error counters of the namespace that are not 0; nil where they are not read.
    var transformErrors: [String: UInt64]?
    /// The newest inbound SA's replay window; nil where it is not known.
    var window: Int?
    /// How many of the captured packets that window should have dropped, at least and at most.
    var expected: ClosedRange<UInt64> = 0...0
    /// Byte-identical copies captured inbound.
    var copies: UInt64 = 0
    /// Those of them that came late.
    var replays: UInt64 = 0
    /// Packets captured inbound that their sender sent before others.
    var reordered: UInt64 = 0

    /// Notes what was captured.
    mutating func note(_ traffic: TunnelTraffic, window: Int?) {
        self.window = window
        // What the capture saw twice the kernel received once.
        copies = traffic.inbound.duplicates.total - traffic.inbound.duplicates.capture
        replays = traffic.inbound.duplicates.replay
        reordered = traffic.inbound.senderReordered
        guard let window, window > 0 else { return }
        // A larger window drops less: its neighbours are the bounds of one that is not among those predicted.
        let least = traffic.wouldDrop.filter { $0.key >= window }.min { $0.key < $1.key }?.value
        let most = traffic.wouldDrop.filter { $0.key <= window }.max { $0.key < $1.key }?.value
        let low = least ?? 0
        expected = low...max(low, most ?? traffic.inbound.packets)
    }
}

/// How the counters of one tunnel grew: some samples of the last minutes, bounded in number.
struct CounterGrowth: Sendable {
    /// How far apart samples of the last seconds are kept.
    static let fineSpacing = Duration.seconds(1)
    /// How long samples are kept at that spacing.
    static let fineSpan = Duration.seconds(12)
    /// How far apart older ones are kept.
    static let coarseSpacing = Duration.seconds(20)
    /// How long samples are kept at all.
    static let coarseSpan = Duration.seconds(320)

    /// Oldest first.
    private(set) var samples: [CounterSample] = []
    /// The counters when the tunnel was first seen to be down; nil while it is not.
    private(set) var whenDown: CounterSample?

    /// Takes a sample; of counters that fell, the older samples are of no use any more.
    ///
    /// - Parameters:
    ///   - sample: the counters now.
    ///   - isDown: whether the tunnel is down.
    mutating func note(_ sample: CounterSample, isDown: Bool = false) {
        if !isDown { whenDown = nil } else if whenDown == nil { whenDown = sample }
        if let last = samples.last {
            if sample.at - last.at < Self.fineSpacing { return }
            if Self.fell(from: last, to: sample) { samples.removeAll() }
        }
        samples.append(sample)
        thin(now: sample.at)
    }

    private mutating func thin(now: MonotonicInstant) {
        var kept: [CounterSample] = []
        for sample in samples where now - sample.at <= Self.coarseSpan {
            let isFine = now - sample.at <= Self.fineSpan
            if let last = kept.last, !isFine, sample.at - last.at < Self.coarseSpacing { continue }
            kept.append(sample)
        }
        samples = kept
    }

    private static func fell(from old: CounterSample, to new: CounterSample) -> Bool {
        if new.capturedInbound < old.capturedInbound { return true }
        if new.capturedOutbound < old.capturedOutbound { return true }
        guard let before = old.inbound, let after = new.inbound else { return false }
        return after.packets < before.packets
    }

    /// The latest sample, and the one that is nearest to `span` before it but at least `least`.
    ///
    /// - Parameters:
    ///   - span: how long ago is wanted; less is given where the watch began later.
    ///   - least: less than this says nothing.
    /// - Returns: both ends; nil while there are no two samples so far apart.
    func ends(
        over span: Duration, atLeast least: Duration = .seconds(2)
    ) -> (from: CounterSample, to: CounterSample)? {
        guard let last = samples.last else { return nil }
        let earlier = samples.last { last.at - $0.at >= span } ?? samples.first
        guard let earlier, last.at - earlier.at >= least else { return nil }
        return (earlier, last)
    }
}

/// The counters of all tunnels over the last minutes.
struct CounterHistory: Sendable {
    private var tunnels: [String: CounterGrowth] = [:]

    /// How those of a tunnel grew.
    subscript(tunnel: String) -> CounterGrowth { tunnels[tunnel] ?? CounterGrowth() }

    /// Takes what a report says of a tunnel.
    mutating func note(_ report: TunnelReport, at now: MonotonicInstant) {
        let traffic = report.capture.traffic
        let hops = report.rows.first { $0.role == ProbeRole(.inside, .reply) }?.hops ?? []
        let errors = report.kernel.readings.transformErrors.value.map { counters in
            Dictionary(
                counters.counters.filter { $0.value > 0 }.map { ($0.name, $0.value) },
                uniquingKeysWith: { first, _ in first })
        }
        var sample = CounterSample(
            at: now, inbound: report.kernel.reading?.totals.inbound,
            outbound: report.kernel.reading?.totals.outbound,
            capturedInbound: traffic.inbound.packets,
            capturedOutbound: traffic.outbound.packets,
            hopProbesSent: hops.reduce(0) { $0 + $1.controlsSent },
            hopProbesAnswered: hops.reduce(0) { $0 + $1.controlsAnswered }, transformErrors: errors)
        let associations = report.kernel.reading?.associations.value ?? []
        let inbound = associations.first { $0.direction == .inbound }?.association
        sample.note(traffic, window: inbound.map { Int($0.replayWindow) })
        var growth = tunnels[report.plan.name] ?? CounterGrowth()
        // An examination counts its own few probes: what the watch counted goes on.
        if report.isExamination {
            sample.hopProbesSent = growth.samples.last?.hopProbesSent ?? 0
            sample.hopProbesAnswered = growth.samples.last?.hopProbesAnswered ?? 0
        }
        growth.note(
            sample, isDown: report.isExamination ? growth.whenDown != nil : report.state == .down)
        tunnels[report.plan.name] = growth
    }

    /// Forgets tunnels that are not watched any more.
    mutating func keep(only names: Set<String>) {
        tunnels = tunnels.filter { names.contains($0.key) }
    }
}
