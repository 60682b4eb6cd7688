/// The classes that hop limits put tracks into: packets of one sender keep theirs while the route
/// stays.
///
/// A hop limit has a class of its own while tracks have it, for as many as 19 hop limits; all
/// others share the last class. So a flood of hop limits costs sharpness, not time.
struct HopLimitClasses: Sendable {
    /// The most classes there are.
    static let limit = 20
    /// The class of the hop limits without one.
    static let rest = limit - 1

    private var classes = ContiguousArray(repeating: UInt8(rest), count: 256)
    private var hopLimits = ContiguousArray(repeating: UInt8(0), count: limit)
    private var tracks = ContiguousArray(repeating: 0, count: limit)
    /// Packets with each hop limit.
    private var packets = ContiguousArray(repeating: UInt64(0), count: 256)

    @inline(__always)
    func number(of hopLimit: UInt8) -> Int { Int(classes[Int(hopLimit)]) }

    @inline(__always)
    func packets(with hopLimit: UInt8) -> Double { Double(packets[Int(hopLimit)]) }

    @inline(__always)
    mutating func count(_ hopLimit: UInt8) { packets[Int(hopLimit)] &+= 1 }

    /// The class for one more track with this hop limit.
    mutating func join(_ hopLimit: UInt8) -> UInt8 {
        var joined = number(of: hopLimit)
        if joined == Self.rest, let free = tracks.dropLast().firstIndex(of: 0) {
            joined = free
            hopLimits[joined] = hopLimit
            classes[Int(hopLimit)] = UInt8(joined)
        }
        tracks[joined] += 1
        return UInt8(joined)
    }

    /// A track leaves its class, which is given up with its last.
    mutating func leave(_ hopClass: UInt8) {
        let left = Int(hopClass)
        tracks[left] -= 1
        if tracks[left] == 0, left != Self.rest { classes[Int(hopLimits[left])] = UInt8(Self.rest) }
    }
}
