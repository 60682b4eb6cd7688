public import NetworkPrimitives

/// How often something happens, from its last few times.
public struct IKERhythm: Equatable, Sendable {
    /// The most intervals that are kept.
    private static let limit = 9

    /// How often it happened.
    public private(set) var count: UInt64 = 0
    /// When it happened last.
    public private(set) var last: MonotonicInstant?
    private var intervals: [Duration] = []

    /// Makes a rhythm of nothing.
    public init() {}

    /// The middle one of the last few intervals; nil before the second time.
    public var interval: Duration? {
        intervals.isEmpty ? nil : intervals.sorted()[intervals.count / 2]
    }

    /// Notes that it happened.
    mutating func note(_ instant: MonotonicInstant) {
        count &+= 1
        if let last {
            if intervals.count == Self.limit { intervals.removeFirst() }
            intervals.append(max(.zero, instant - last))
        }
        last = instant
    }
}
