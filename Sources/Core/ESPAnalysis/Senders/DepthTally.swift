/// How deep late packets are below their sender's highest number, by window: what windows drop if
/// every sender has one of its own (algorithms §2.1).
struct DepthTally: Sendable {
    private let windows: [Int]
    private let buckets: DepthBuckets
    /// Late packets by how many windows their depth is too large for.
    private var counts: ContiguousArray<UInt64>

    /// Makes a tally for windows of these sizes, sorted and unlike.
    init(windows: [Int]) {
        self.windows = windows
        buckets = DepthBuckets(thresholds: windows)
        counts = ContiguousArray(repeating: 0, count: windows.count + 1)
    }

    /// Counts a late packet.
    mutating func note(depth: Int) {
        counts[buckets.bucket(of: max(0, depth))] &+= 1
    }

    /// What each window drops of so many packets.
    func forecasts(packets: UInt64) -> [ReplayWindowForecast] {
        windows.indices.map { position in
            ReplayWindowForecast(
                window: windows[position], tooOld: counts[(position + 1)...].reduce(0, +),
                alreadySeen: 0, zero: 0, packets: packets)
        }
    }
}
