/// One counter that is being followed: the last number it gave, and how fast it counts.
///
/// Kept small on purpose: a packet touches one or two of these. Tracks name each other by their
/// slot, 16 bits wide; `CounterTrack.none` is nobody.
struct CounterTrack: Sendable {
    /// The slot that is no slot.
    static let none = UInt16.max

    /// The latest number in order, L.
    var last: UInt32
    /// The first number seen, q0.
    var first: UInt32
    /// When `last` arrived, in nanoseconds.
    var advanced: Int64
    /// Numbers counted, decayed by 0.98 with each step, n_e.
    var counted: Float = 0
    /// The seconds they took, decayed alike, T_e.
    var elapsed: Float = 0
    /// Packets, late ones included; 0 marks a slot that is free.
    var packets: UInt32 = 1
    /// Its number in order of appearance, from 1.
    var serial: UInt32
    /// The identification of `last`.
    var identification: UInt16
    /// The class of hop limits it belongs to.
    var hopClass: UInt8
    /// Packets in a row with a hop limit of another class.
    var mismatches: UInt8 = 0
    /// The hop limit of its latest packet.
    var hopLimit: UInt8
    /// Whether it has been silent for more than four of its mean gaps.
    var isOverdue = false

    /// Neighbours among the tracks with the same class and `last`, a ring in order of arrival.
    var next = CounterTrack.none
    var previous = CounterTrack.none
    /// How many tracks that ring has; kept by its head only.
    var peers: UInt16 = 1
    /// The page of the index that it stands on.
    var page = CounterTrack.none

    /// Neighbours in the timer wheel, and the wheel's slot; `none` when not in it.
    var timerNext = CounterTrack.none
    var timerPrevious = CounterTrack.none
    var timerSlot = CounterTrack.none
    /// When the timer looks at it, in nanoseconds.
    var timerDue: Int64 = 0

    /// When its first packet arrived, in nanoseconds.
    var born: Int64
    /// When its latest packet arrived, late ones included.
    var seen: Int64
    /// The most that its hazard can be until its next step, as the sum of all has it.
    var hazard: Float = 0
    /// Its holes that were never filled.
    var lost: UInt32 = 0
    /// Its packets that filled one.
    var reordered: UInt32 = 0

    init(
        first: UInt32, at now: Int64, serial: UInt32, hopClass: UInt8, hopLimit: UInt8,
        identification: UInt16
    ) {
        last = first
        self.first = first
        advanced = now
        born = now
        seen = now
        self.serial = serial
        self.hopClass = hopClass
        self.hopLimit = hopLimit
        self.identification = identification
    }

    var isLive: Bool { packets > 0 }

    /// When it will have been silent for four mean gaps, never less than a millisecond after its
    /// latest step; nil before its second number.
    var overdueAt: Int64? {
        guard counted > 0 else { return nil }
        // The ends of the clock are far, and a hostile clock may stand near them.
        let gap = min(max(4e9 * Double(elapsed) / Double(counted), 1e6), 1e15)
        return advanced.addingReportingOverflow(Int64(gap)).overflow ? .max : advanced + Int64(gap)
    }

    /// Counts a packet; stops at 2³²−1, since 0 would free the slot.
    @inline(__always)
    mutating func countPacket() {
        packets &+= packets == .max ? 0 : 1
    }

    /// Takes a step of `gap` numbers after `seconds` into the track's pace.
    ///
    /// - Returns: what that adds to the sum of hazards.
    @inline(__always)
    mutating func pace(_ gap: Float, _ seconds: Double, _ meanGap: Double) -> Double {
        counted = counted * 0.98 + gap
        elapsed = elapsed * 0.98 + Float(seconds)
        return setHazard(meanGap)
    }

    /// Works out the bound of its hazard anew.
    ///
    /// - Returns: what that adds to the sum of hazards.
    @inline(__always)
    mutating func setHazard(_ meanGap: Double) -> Double {
        let old = hazard
        hazard = (counted + 1) / (elapsed + Float(meanGap))
        return Double(hazard) - Double(old)
    }
}
