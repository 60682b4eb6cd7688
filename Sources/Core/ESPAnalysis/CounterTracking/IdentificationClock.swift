/// What the IPv4 identification says about who sent a packet (§6, wI).
///
/// Linux counts it up for each destination, which is one more counter beside the sequence number;
/// or it is always 0, or random. Which it is, is found by a test without bias: does any of the
/// tracks that expect a packet fit, more often than chance would?
struct IdentificationClock: Sendable {
    /// How identifications behave.
    enum Mode: Sendable {
        /// Not known yet.
        case learning
        /// Always 0: no information.
        case zero
        /// Counting up: evidence.
        case counting
        /// Anything: no information.
        case random
    }

    private(set) var mode = Mode.learning
    private var tests = 0.0
    private var zeros = 0.0
    private var hits = 0.0
    private var chance = 0.0

    /// Whether identifications say nothing, and there is nothing left to learn about them.
    @inline(__always)
    var isSilent: Bool { mode == .zero || mode == .random }

    /// How many tracks at the packet's own predecessor are asked.
    @inline(__always)
    var peersAsked: Int { mode == .learning || mode == .counting ? 128 : 6 }

    /// One packet's test, over the tracks that expected it.
    struct Test {
        var isHit = false
        var isZero: Bool
        var missing = 1.0
        var isUsable = true

        init(identification: UInt16) {
            isZero = identification == 0
        }

        mutating func ask(_ track: CounterTrack, identification: UInt16, after nanoseconds: Int64) {
            isZero = isZero && track.identification == 0
            let room = IdentificationClock.room(after: nanoseconds)
            guard room < 20_000 else {
                isUsable = false
                return
            }
            isHit = isHit || Int(identification &- track.identification &- 1) <= room
            missing *= 1 - Double(room + 1) / 65_536
        }
    }

    mutating func learn(_ test: Test) {
        if test.isZero { zeros += 1 }
        guard test.isUsable else { return }
        tests += 1
        chance += 1 - test.missing
        if test.isHit { hits += 1 }
        guard tests >= 400 else { return }
        if zeros > 0.5 * tests {
            mode = .zero
        } else if hits > chance + 0.6 * (tests - chance) {
            mode = .counting
        } else if tests >= 4_000 {
            mode = .random
        }
    }

    /// How well an identification fits a track that is `gap` numbers behind (negative: ahead).
    @inline(__always)
    func weight(
        _ identification: UInt16, _ track: CounterTrack, gap: Int, after nanoseconds: Int64
    ) -> Double {
        guard mode == .counting else { return 1 }
        let room = Self.room(after: nanoseconds)
        guard room < 60_000 else { return 1 }
        let ahead = identification &- track.identification &- UInt16(truncatingIfNeeded: gap)
        let distance = gap > 0 ? ahead : 0 &- ahead
        return Int(distance) <= room ? 0.97 * 65_536 / Double(room + 1) : 0.03
    }

    /// How far the identification may have run ahead: the kernel adds up to the elapsed ticks.
    private static func room(after nanoseconds: Int64) -> Int {
        10 + Int(min(max(nanoseconds, 0) / 1_000_000, 100_000))
    }
}
