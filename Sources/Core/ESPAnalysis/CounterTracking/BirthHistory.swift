/// When and at which numbers new tracks began.
///
/// The bins by number learn by themselves that senders start at 1 after a rekey; the bins by time
/// tell whether new senders still appear.
struct BirthHistory: Sendable {
    private static let binCount = 64

    private(set) var total: UInt64 = 0
    private var byNumber = ContiguousArray(repeating: 0.0, count: 33)
    /// P(bin)/2^bin: the chance of a birth at one given number, not yet divided by the births.
    private var densities = ContiguousArray<Double>()
    private var perBirth = 1.0
    private var byTime = ContiguousArray(repeating: UInt64(0), count: binCount)
    /// The width of a bin by time in nanoseconds, doubled whenever time outgrows the bins.
    private var width: Int64 = 1 << 20

    init() {
        for bin in 0..<33 { densities.append((1.0 / 33) / Double(UInt64(1) << UInt64(bin))) }
    }

    /// The chance that a birth is at this very number.
    @inline(__always)
    func density(at number: UInt32) -> Double {
        densities[Self.bin(number)] * perBirth
    }

    /// Counts a birth `age` nanoseconds after the first packet.
    mutating func record(_ number: UInt32, age: Int64) {
        total += 1
        let bin = Self.bin(number)
        byNumber[bin] += 1
        densities[bin] = (byNumber[bin] + 1.0 / 33) / Double(UInt64(1) << UInt64(bin))
        perBirth = 1 / (Double(total) + 1)
        let age = max(age, 0)
        while age / width >= Int64(Self.binCount) { widen() }
        byTime[Int(age / width)] += 1
    }

    /// Whether more than 2 % of the births, and more than two, lie in the newer half of the `age`
    /// nanoseconds since the first packet.
    func isGrowing(age: Int64) -> Bool {
        let middle = age / 2
        var recent = 0.0
        for (index, births) in byTime.enumerated() where births > 0 {
            let start = Int64(index) * width
            if start >= middle {
                recent += Double(births)
            } else if middle - start < width {
                // The bin that the middle cuts counts by its newer share.
                recent += Double(births) * Double(start + width - middle) / Double(width)
            }
        }
        return recent > max(2, 0.02 * Double(total))
    }

    private mutating func widen() {
        width *= 2
        for bin in 0..<Self.binCount / 2 { byTime[bin] = byTime[2 * bin] + byTime[2 * bin + 1] }
        for bin in Self.binCount / 2..<Self.binCount { byTime[bin] = 0 }
    }

    @inline(__always)
    private static func bin(_ number: UInt32) -> Int {
        number == 0 ? 0 : 31 &- number.leadingZeroBitCount
    }
}
