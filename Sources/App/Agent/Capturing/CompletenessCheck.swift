import ESPAnalysis
import KernelState
import NetworkPrimitives
import PacketFormats

/// Whether the capture sees all of a tunnel's inbound packets, by the kernel's SA counters
/// (algorithms §1).
///
/// Over the same interval the packets captured of each inbound SA are compared with those that the
/// kernel accepted or refused. SAs that went away meanwhile are left out on both sides.
struct CompletenessCheck: Equatable, Sendable {
    /// Both sides at one instant.
    struct Sample: Equatable, Sendable {
        /// Packets that each inbound SA accepted or refused.
        var kernel: [StreamID: UInt64]
        /// Packets captured of each stream.
        var captured: [StreamID: UInt64]
        /// Packets that the capture lost so far.
        var drops: UInt64
        /// How often the device was opened: counts of two openings are not comparable.
        var opening: Int
        var at: MonotonicInstant
    }

    /// What an interval showed.
    struct Interval: Equatable, Sendable {
        /// Packets captured.
        var captured: UInt64
        /// Packets that the kernel counted.
        var kernel: UInt64
        /// Packets that the capture lost, of whatever stream.
        var drops: UInt64
        var length: Duration

        /// The difference as a share of what was captured, 0...; infinite when nothing was.
        var deviation: Double {
            captured == 0
                ? (kernel == 0 ? 0 : .infinity)
                : Double(kernel > captured ? kernel - captured : captured - kernel)
                    / Double(captured)
        }
    }

    /// What is known.
    enum Verdict: Equatable, Sendable {
        /// Nothing, and why.
        case unknown(String)
        /// The counts agree.
        case complete(Interval)
        /// They do not.
        case incomplete(Interval)

        /// The interval that was judged.
        var interval: Interval? {
            switch self {
            case .unknown: nil
            case .complete(let interval), .incomplete(let interval): interval
            }
        }
    }

    /// The largest deviation of a complete capture (algorithms §1).
    static let tolerance = 0.02
    /// Fewer packets are collected over further intervals before they are judged: one packet more or
    /// less in fifty is 2 %.
    static let leastPackets: UInt64 = 50
    /// So many that the kernel saw and the capture did not are no accident.
    static let leastUnseen: UInt64 = 10
    /// How long packets are collected.
    static let longestInterval = Duration.seconds(120)

    private(set) var verdict = Verdict.unknown("no interval of 10 s was compared yet")
    private var baseline: Sample?

    /// Takes a sample of both sides.
    mutating func note(_ sample: Sample) {
        guard let baseline, baseline.opening == sample.opening else {
            baseline = sample
            return
        }
        var interval = Interval(
            captured: 0, kernel: 0, drops: sample.drops &- baseline.drops,
            length: sample.at - baseline.at)
        for (id, packets) in sample.kernel {
            interval.kernel &+= Self.growth(from: baseline.kernel[id], to: packets)
            interval.captured &+= Self.growth(
                from: baseline.captured[id], to: sample.captured[id] ?? 0)
        }
        let isUnseen = interval.captured == 0 && interval.kernel >= Self.leastUnseen
        guard max(interval.captured, interval.kernel) >= Self.leastPackets || isUnseen else {
            if interval.length >= Self.longestInterval { self.baseline = sample }
            return
        }
        verdict =
            interval.deviation <= Self.tolerance ? .complete(interval) : .incomplete(interval)
        self.baseline = sample
    }

    /// Nothing can be compared.
    mutating func note(incomparableBecause reason: String) {
        verdict = .unknown(reason)
        baseline = nil
    }

    /// A counter that fell began anew.
    private static func growth(from old: UInt64?, to new: UInt64) -> UInt64 {
        guard let old, old <= new else { return new }
        return new - old
    }
}

extension SecurityAssociation {
    /// The stream that this SA receives; nil for one that is not ESP.
    var stream: StreamID? {
        guard self.protocol == .esp else { return nil }
        switch encapsulation {
        case .esp: return StreamID(destination: destination, spi: spi, encapsulation: .esp)
        case .udp: return StreamID(destination: destination, spi: spi, encapsulation: .udp)
        case .other: return nil
        }
    }

    /// Packets that arrived for it, those that it refused included.
    var arrivedPackets: UInt64 {
        packets &+ UInt64(statistics.replay) &+ UInt64(statistics.replayWindow)
            &+ UInt64(statistics.integrityFailed)
    }
}
