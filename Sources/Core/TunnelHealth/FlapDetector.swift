public import NetworkPrimitives
import RealModule

/// Measures how much a tunnel's state changes, in the three ways operators know.
///
/// Nagios' weighted share of changes over the last 21 checks, the penalty of RFC 2439, and plain
/// counts. A check is a slot of 60 s that holds its worst state, plus one entry for every further
/// change in the slot. The first determination of a state after `unknown` is counted as a change,
/// but is no flap.
public struct FlapDetector: Sendable {
    /// Entries that the weighted share covers.
    public static let checkCount = 21
    /// The length of a check.
    public static let slot = Duration.seconds(60)
    /// Flapping starts at this share of changes, and ends below `ratioOff`.
    public static let ratioOn = 0.30
    /// See `ratioOn`.
    public static let ratioOff = 0.20
    /// RFC 2439 §4.2: what one change to a worse state adds to the penalty.
    public static let penaltyStep = 1000.0
    /// RFC 2439 §4.2: flapping starts above it.
    public static let penaltySuppress = 2000.0
    /// RFC 2439 §4.2: flapping ends below it.
    public static let penaltyReuse = 750.0
    /// RFC 2439 §4.2: the highest penalty there is.
    public static let penaltyCeiling = 12_000.0
    /// RFC 2439 §4.2: the time in which the penalty halves.
    public static let penaltyHalfLife = Duration.seconds(900)
    /// Changes to a worse state within an hour that are flapping by themselves.
    public static let worseChangesPerHour = 3

    /// Whether the tunnel is flapping, as of the last call.
    public private(set) var isFlapping = false

    private var state: TunnelState
    private var checks: [TunnelState] = []
    private var slotStart: MonotonicInstant
    private var slotWorst: TunnelState
    private var slotChanges: [TunnelState] = []
    private var changes: [MonotonicInstant] = []
    private var worseChanges: [MonotonicInstant] = []
    private var penaltyThen = 0.0
    private var penaltyAt: MonotonicInstant
    private var isOverRatio = false
    private var isOverPenalty = false

    /// A detector that starts at `start` with a tunnel in `state`.
    public init(start: MonotonicInstant, state: TunnelState = .unknown) {
        self.state = state
        slotStart = start
        slotWorst = state
        penaltyAt = start
    }

    /// When the running check ends.
    public var deadline: MonotonicInstant { slotStart + Self.slot }

    /// Takes a change of state at `now`.
    public mutating func change(to next: TunnelState, at now: MonotonicInstant) {
        advance(to: now)
        guard next != state else { return }
        changes.append(now)
        if state == .unknown {
            slotWorst = next
            slotChanges = []
            checks = []
        } else {
            if next.rank > state.rank {
                worseChanges.append(now)
                penaltyThen = min(Self.penaltyCeiling, penalty(at: now) + Self.penaltyStep)
                penaltyAt = now
            }
            slotWorst = .worse(slotWorst, next)
            slotChanges.append(next)
        }
        state = next
        judge(at: now)
    }

    /// Closes the checks that ended by `now` and renews the verdict.
    public mutating func advance(to now: MonotonicInstant) {
        while deadline <= now {
            checks = Array((checks + entriesOfSlot).suffix(Self.checkCount))
            slotStart = deadline
            slotWorst = state
            slotChanges = []
        }
        let day = now - .seconds(86_400)
        changes.removeAll { $0 < day }
        let hour = now - .seconds(3600)
        worseChanges.removeAll { $0 < hour }
        judge(at: now)
    }

    /// State changes in the `duration` before `now`, at most 24 hours.
    public func changes(within duration: Duration, of now: MonotonicInstant) -> Int {
        changes.count { now - $0 <= duration }
    }

    /// The weighted share of changes over the last 21 checks, the running one included; 0...1.
    ///
    /// Nagios' formula: the 20 transitions weigh 0.75 (oldest) to 1.25 (newest).
    public var ratio: Double {
        let known = Array((checks + entriesOfSlot).suffix(Self.checkCount))
        // Before 21 checks there was, as far as anybody knows, no change.
        let padding = Array(repeating: known[0], count: Self.checkCount - known.count)
        return Self.ratio(of: padding + known)
    }

    /// The weighted share of changes in exactly `checkCount` states, oldest first.
    static func ratio(of states: [TunnelState]) -> Double {
        precondition(states.count == checkCount, "\(states.count) checks")
        var sum = 0.0
        for index in 1..<checkCount where states[index] != states[index - 1] {
            sum += 0.75 + Double(index - 1) * 0.5 / 19
        }
        return sum / 20
    }

    /// The penalty of RFC 2439 at `now`.
    public func penalty(at now: MonotonicInstant) -> Double {
        let halfLives = (now - penaltyAt).seconds / Self.penaltyHalfLife.seconds
        return penaltyThen * Double.exp2(-halfLives)
    }

    private var entriesOfSlot: [TunnelState] { [slotWorst] + slotChanges.dropFirst() }

    private mutating func judge(at now: MonotonicInstant) {
        let share = ratio
        isOverRatio = isOverRatio ? share >= Self.ratioOff : share >= Self.ratioOn
        let penalty = penalty(at: now)
        isOverPenalty =
            isOverPenalty ? penalty >= Self.penaltyReuse : penalty > Self.penaltySuppress
        isFlapping =
            isOverRatio || isOverPenalty
            || worseChanges.count { now - $0 <= .seconds(3600) } >= Self.worseChangesPerHour
    }
}
