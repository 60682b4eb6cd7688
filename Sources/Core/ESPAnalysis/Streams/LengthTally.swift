/// What replay windows drop by the length of packets, at a cost of two additions a packet.
///
/// Counts are kept for bins of lengths and put together to classes only for a report, so that every
/// packet counts from the first one on although the modes show later. Bins are 4 octets wide up to
/// 256, as ESP aligns to 4 (RFC 4303 §2.4), and 16 wide up to 1 664; longer ones share one. A bin
/// costs 16 · (windows + 4) octets, and only if it has packets; there are 153 at most.
struct LengthTally: Sendable {
    /// The most classes a report has.
    static let classLimit = 8

    private static let fineLimit = 256
    private static let coarseLimit = 1664
    private static let binCount = fineLimit / 4 + (coarseLimit - fineLimit) / 16 + 1
    /// At most so many lengths are common enough for a class of their own; with what lies between
    /// them, that makes one class less than `classLimit`.
    private static let modeLimit = 3

    private let windows: [Int]
    private let buckets: DepthBuckets
    private let stride: Int
    /// By bin, where its counts begin; -1 while it has no packets.
    private var starts: ContiguousArray<Int32>
    /// A bin's counts: least and greatest length, packets, zeros, beyond reach, then first copies
    /// and repeats by how many windows are too small for their depth.
    private var counts: ContiguousArray<UInt64> = []

    private static let leastOffset = 0
    private static let greatestOffset = 1
    private static let packetsOffset = 2
    private static let zeroOffset = 3
    private static let bucketsOffset = 4

    /// Makes a tally for windows of these sizes, sorted.
    init(windows: [Int]) {
        self.windows = windows
        buckets = DepthBuckets(thresholds: windows)
        stride = Self.bucketsOffset + 2 * (windows.count + 1)
        starts = ContiguousArray(repeating: -1, count: Self.binCount)
    }

    /// Counts a packet.
    @inline(__always)
    mutating func note(length: Int, _ outcome: ReplayWindowPredictor.Outcome) {
        let bin = Self.bin(of: length)
        var start = Int(starts[bin])
        if start < 0 { start = open(bin, length: length) }
        let exact = UInt64(truncatingIfNeeded: max(0, length))
        if counts[start + Self.leastOffset] > exact { counts[start + Self.leastOffset] = exact }
        if counts[start + Self.greatestOffset] < exact {
            counts[start + Self.greatestOffset] = exact
        }
        counts[start + Self.packetsOffset] &+= 1
        switch outcome {
        case .advanced: break
        case .zero: counts[start + Self.zeroOffset] &+= 1
        case .late(let depth):
            counts[start + Self.bucketsOffset + 2 * buckets.bucket(of: depth)] &+= 1
        case .repeated(let depth):
            counts[start + Self.bucketsOffset + 2 * buckets.bucket(of: depth) + 1] &+= 1
        case .beyondReach:
            // Deeper than every window: as the last bucket of first copies.
            counts[start + Self.bucketsOffset + 2 * windows.count] &+= 1
        }
    }

    @inline(__always)
    private static func bin(of length: Int) -> Int {
        if length < fineLimit { return max(0, length) >> 2 }
        if length < coarseLimit { return fineLimit / 4 + (length - fineLimit) >> 4 }
        return binCount - 1
    }

    @inline(never)
    private mutating func open(_ bin: Int, length: Int) -> Int {
        let start = counts.count
        starts[bin] = Int32(start)
        counts.append(contentsOf: repeatElement(0, count: stride))
        counts[start + Self.leastOffset] = .max
        return start
    }

    /// The classes: each of the most frequent lengths alone, and what lies below, between and above
    /// them; most packets first.
    func classes() -> [LengthClassForecast] {
        let used = starts.indices.filter { starts[$0] >= 0 }
        let all = used.reduce(UInt64(0)) { $0 + packets(of: $1) }
        // A twentieth: what is rarer says little by itself.
        let modes = used.filter { packets(of: $0) * 20 >= all }
            .sorted { (packets(of: $0), $1) > (packets(of: $1), $0) }
            .prefix(Self.modeLimit)
        var groups: [[Int]] = []
        var run: [Int] = []
        for bin in used {
            guard modes.contains(bin) else {
                run.append(bin)
                continue
            }
            if !run.isEmpty { groups.append(run) }
            run = []
            groups.append([bin])
        }
        if !run.isEmpty { groups.append(run) }
        return groups.map { forecast(of: $0) }.sorted {
            ($0.packets, $1.lengths.lowerBound) > ($1.packets, $0.lengths.lowerBound)
        }
    }

    private func packets(of bin: Int) -> UInt64 { counts[Int(starts[bin]) + Self.packetsOffset] }

    private func forecast(of bins: [Int]) -> LengthClassForecast {
        var sum = [UInt64](repeating: 0, count: stride)
        sum[Self.leastOffset] = .max
        for bin in bins {
            let start = Int(starts[bin])
            sum[Self.leastOffset] = min(sum[Self.leastOffset], counts[start + Self.leastOffset])
            sum[Self.greatestOffset] = max(
                sum[Self.greatestOffset], counts[start + Self.greatestOffset])
            for offset in Self.packetsOffset..<stride { sum[offset] += counts[start + offset] }
        }
        let forecasts = windows.indices.map { index in
            var tooOld: UInt64 = 0
            var alreadySeen: UInt64 = 0
            for bucket in 0...windows.count {
                let first = sum[Self.bucketsOffset + 2 * bucket]
                let repeated = sum[Self.bucketsOffset + 2 * bucket + 1]
                if bucket > index { tooOld += first + repeated } else { alreadySeen += repeated }
            }
            return ReplayWindowForecast(
                window: windows[index], tooOld: tooOld, alreadySeen: alreadySeen,
                zero: sum[Self.zeroOffset], packets: sum[Self.packetsOffset])
        }
        return LengthClassForecast(
            lengths: Int(sum[Self.leastOffset])...Int(sum[Self.greatestOffset]),
            packets: sum[Self.packetsOffset], windows: forecasts)
    }
}
