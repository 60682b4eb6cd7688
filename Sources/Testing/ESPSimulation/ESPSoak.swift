public import ESPAnalysis
import NetworkPrimitives

/// A tunnel's hours with rekeys through a live `StreamTable`, with receivers beside it as judges.
public struct ESPSoak: Sendable {
    /// What the table says at last of one SA, and what is true.
    public struct Association: Sendable {
        /// The SA's last report; nil if there never was one.
        public var report: StreamReport?
        /// What is true of its packets.
        public var truth = ESPStreamTruth()
        /// What a Linux receiver with each of `windows` dropped.
        public var drops: [ReplayDropCounters] = []
    }

    /// The window sizes.
    public static let windows = [32, 64, 1024]

    /// The SAs, oldest first.
    public private(set) var associations: [Association] = []
    /// Packets that arrived.
    public private(set) var packets: UInt64 = 0
    /// The most SAs that the table analysed at a time.
    public private(set) var mostStreams = 0
    /// The table after the last packet.
    public private(set) var table: StreamTable

    /// Runs a tunnel to its end.
    public init(_ run: RekeyedESPRun, seed: UInt64 = 5) {
        var run = run
        table = StreamTable(settings: .live(windows: Self.windows, seed: seed))
        var receivers: [[LinuxBitmapWindow]] = []
        var latest = MonotonicInstant.zero
        var generations: [SPI: Int] = [:]
        while let arrival = run.next() {
            while receivers.count <= arrival.generation {
                generations[RekeyedESPRun.spi(generation: receivers.count)] = receivers.count
                receivers.append(Self.windows.map { LinuxBitmapWindow(window: $0) })
                associations.append(Association())
            }
            packets += 1
            latest = MonotonicInstant(nanoseconds: arrival.packet.arrival)
            table.receive(arrival.packet.observation(spi: arrival.spi))
            for window in Self.windows.indices {
                _ = receivers[arrival.generation][window].accepts(UInt64(arrival.packet.sequence))
            }
            guard packets & 0xfff == 0 else { continue }
            mostStreams = max(mostStreams, table.analysedStreams)
            for report in table.takeClosedReports() { keep(report, generations) }
        }
        for report in table.takeClosedReports() + table.reports(at: latest) {
            keep(report, generations)
        }
        for generation in associations.indices {
            associations[generation].truth = run.truths[generation]
            associations[generation].drops = receivers[generation].map(\.drops)
        }
    }

    private mutating func keep(_ report: StreamReport, _ generations: [SPI: Int]) {
        guard let generation = generations[report.id.spi] else { return }
        precondition(associations[generation].report == nil, "an SA has one last report")
        associations[generation].report = report
    }
}
