import NetworkPrimitives
import Testing
@testable import TunnelHealth

@Suite struct FlapDetectorTests {
    private static func at(_ seconds: Int) -> MonotonicInstant { .zero + .seconds(seconds) }

    /// A detector whose tunnel became healthy at second 0.
    private static func healthy() -> FlapDetector {
        var detector = FlapDetector(start: .zero)
        detector.change(to: .healthy, at: .zero)
        return detector
    }

    private static func isClose(_ left: Double, _ right: Double, within: Double = 5e-5) -> Bool {
        abs(left - right) <= within
    }

    // MARK: - The weighted share

    /// States that change at the given transitions, 1 being the oldest of 20.
    private static func states(changingAt transitions: [Int]) -> [TunnelState] {
        (0...20).map { index in
            transitions.count { $0 <= index } % 2 == 0 ? .healthy : .down
        }
    }

    @Test(
        arguments: [
            ([], 0), ([20], 6.25), ([1], 3.75), (Array(1...20), 100),
            ([4, 5, 9, 12, 13, 16, 19], 35.5921),
        ] as [([Int], Double)])
    func `gives Nagios' percentages`(transitions: [Int], percent: Double) {
        let ratio = FlapDetector.ratio(of: Self.states(changingAt: transitions))
        #expect(Self.isClose(ratio * 100, percent))
    }

    /// The share when exactly the `count` newest transitions are changes.
    private static func newest(_ count: Int) -> Double {
        var sum = 0.0
        for age in 0..<count { sum += 1.25 - Double(age) * 0.5 / 19 }
        return sum / 20
    }

    @Test func `weighs a slot's worst state and every further change in it`() {
        var detector = Self.healthy()
        detector.advance(to: Self.at(20 * 60))
        #expect(detector.ratio == 0)
        // One change: the slot is down, and that is the newest transition.
        detector.change(to: .down, at: Self.at(20 * 60 + 10))
        #expect(Self.isClose(detector.ratio, 0.0625))
        // Back: a second entry. Both transitions are the newest two.
        detector.change(to: .healthy, at: Self.at(20 * 60 + 20))
        #expect(Self.isClose(detector.ratio, Self.newest(2)))
        detector.change(to: .degraded, at: Self.at(20 * 60 + 30))
        #expect(Self.isClose(detector.ratio, Self.newest(3)))
        detector.change(to: .healthy, at: Self.at(20 * 60 + 59))
        #expect(Self.isClose(detector.ratio, Self.newest(4)))
        // The next slot starts healthy as the last ended: no transition, and all age by one.
        detector.advance(to: Self.at(21 * 60))
        #expect(Self.isClose(detector.ratio, Self.newest(4) - 4 * 0.5 / 19 / 20))
    }

    @Test func `keeps a slot's worst state when it ends better`() {
        var detector = FlapDetector(start: .zero, state: .down)
        detector.advance(to: Self.at(25 * 60))
        detector.change(to: .degraded, at: Self.at(25 * 60 + 30))
        #expect(detector.ratio == 0, "the slot was down, too")
        detector.advance(to: Self.at(26 * 60))
        #expect(Self.isClose(detector.ratio, 0.0625))
    }

    @Test func `forgets a change after 21 checks`() {
        var detector = Self.healthy()
        detector.advance(to: Self.at(30 * 60))
        detector.change(to: .degraded, at: Self.at(30 * 60))
        #expect(Self.isClose(detector.ratio, 0.0625))
        detector.advance(to: Self.at((30 + 19) * 60))
        #expect(Self.isClose(detector.ratio, 0.0375))
        detector.advance(to: Self.at((30 + 20) * 60))
        #expect(detector.ratio == 0)
    }

    @Test func `flaps from 30 % and stops below 20 %`() {
        var detector = Self.healthy()
        detector.advance(to: Self.at(30 * 60))
        // Twice down and back through degraded: two changes to a worse state, below both other rules.
        let states: [TunnelState] = [.down, .degraded, .healthy, .down, .degraded, .healthy]
        for (second, state) in states.enumerated() {
            let now = Self.at(30 * 60 + second)
            detector.change(to: state, at: now)
            #expect(detector.isFlapping == (second == 5), "\(detector.ratio) at \(second)")
            #expect(detector.penalty(at: now) < FlapDetector.penaltySuppress)
        }
        #expect(Self.isClose(detector.ratio, Self.newest(6)))
        var verdicts: [(ratio: Double, isFlapping: Bool)] = []
        for minute in 31..<60 {
            detector.advance(to: Self.at(minute * 60))
            verdicts.append((detector.ratio, detector.isFlapping))
        }
        let between = verdicts.filter { (FlapDetector.ratioOff..<FlapDetector.ratioOn) ~= $0.ratio }
        #expect(between.count > 5)
        #expect(verdicts.allSatisfy { $0.isFlapping == ($0.ratio >= FlapDetector.ratioOff) })
        #expect(verdicts.last?.ratio == 0)
    }

    // MARK: - The penalty

    @Test func `gives the penalties of the reference vector and lets go below reuse`() {
        var detector = Self.healthy()
        var penalties: [Double] = []
        for second in [0, 300, 600] {
            detector.change(to: .down, at: Self.at(second))
            penalties.append((detector.penalty(at: Self.at(second)) * 10).rounded() / 10)
            detector.change(to: .degraded, at: Self.at(second + 1))
            detector.change(to: .healthy, at: Self.at(second + 2))
        }
        #expect(penalties == [1000.0, 1793.7, 2423.7])
        #expect(Self.isClose(detector.penalty(at: Self.at(1_500)), 1211.8, within: 0.05))
        #expect(Self.isClose(detector.penalty(at: Self.at(3_300)), 303.0, within: 0.05))
        #expect(detector.isFlapping)
        detector.advance(to: Self.at(4_300))
        #expect(!detector.isFlapping)
    }

    @Test func `is held by the penalty alone after a storm, up to the ceiling`() {
        var detector = Self.healthy()
        for flap in 0..<40 {
            detector.change(to: .down, at: Self.at(flap * 2))
            detector.change(to: .healthy, at: Self.at(flap * 2 + 1))
        }
        let end = 78
        #expect(detector.penalty(at: Self.at(end)) <= FlapDetector.penaltyCeiling)
        #expect(detector.penalty(at: Self.at(end)) > FlapDetector.penaltyCeiling - 100)
        // 12 000 → 750 takes four half-lives.
        detector.advance(to: Self.at(end + 3_590))
        #expect(detector.penalty(at: Self.at(end + 3_590)) > 750)
        #expect(detector.isFlapping)
        detector.advance(to: Self.at(end + 3_605))
        #expect(detector.penalty(at: Self.at(end + 3_605)) < 750)
        #expect(!detector.isFlapping)
    }

    // MARK: - Counts

    @Test func `flaps on three changes to a worse state within an hour, not on two`() {
        var detector = Self.healthy()
        for second in [10_000, 11_700] {
            detector.change(to: .degraded, at: Self.at(second))
            detector.change(to: .healthy, at: Self.at(second + 600))
        }
        #expect(!detector.isFlapping)
        detector.change(to: .degraded, at: Self.at(13_600))
        #expect(detector.isFlapping, "3600 s after the first")
        detector.advance(to: Self.at(13_601))
        #expect(!detector.isFlapping)
    }

    @Test func `takes the way down through degraded for two changes to a worse state`() {
        var detector = Self.healthy()
        detector.change(to: .degraded, at: Self.at(5_000))
        detector.change(to: .down, at: Self.at(5_001))
        #expect(Self.isClose(detector.penalty(at: Self.at(5_001)), 1999.2, within: 0.1))
        #expect(!detector.isFlapping)
    }

    @Test func `counts the first determination as a change but no flap`() {
        for state in [TunnelState.healthy, .degraded, .down] {
            var detector = FlapDetector(start: .zero)
            detector.change(to: state, at: Self.at(30))
            #expect(detector.changes(within: .seconds(3600), of: Self.at(30)) == 1)
            #expect(detector.ratio == 0)
            #expect(detector.penalty(at: Self.at(30)) == 0)
            #expect(!detector.isFlapping)
            detector.advance(to: Self.at(10 * 60))
            #expect(detector.ratio == 0)
        }
    }

    @Test func `ignores a change to the same state`() {
        var detector = Self.healthy()
        detector.change(to: .healthy, at: Self.at(5))
        #expect(detector.changes(within: .seconds(3600), of: Self.at(5)) == 1)
        #expect(detector.ratio == 0)
    }

    @Test func `counts the changes of an hour and a day exactly`() {
        var state: UInt64 = 2_439
        func draw(_ bound: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % bound)
        }
        var detector = FlapDetector(start: .zero)
        var changes: [Int] = []
        var current = TunnelState.unknown
        var second = 0
        while second < 3 * 86_400 {
            second += draw(3_000)
            detector.advance(to: Self.at(second))
            let next: TunnelState = [.healthy, .degraded, .down][draw(3)]
            detector.change(to: next, at: Self.at(second))
            if next != current { changes.append(second) }
            current = next
            for (span, length) in [(3_600, Duration.seconds(3_600)), (86_400, .seconds(86_400))] {
                let expected = changes.count { second - $0 <= span }
                #expect(detector.changes(within: length, of: Self.at(second)) == expected)
            }
        }
        #expect(changes.count > 80)
    }

    @Test func `wakes up at the end of each check`() {
        var detector = FlapDetector(start: Self.at(7))
        #expect(detector.deadline == Self.at(67))
        detector.advance(to: Self.at(66))
        #expect(detector.deadline == Self.at(67))
        detector.advance(to: Self.at(67))
        #expect(detector.deadline == Self.at(127))
        detector.advance(to: Self.at(100_000))
        #expect(detector.deadline == Self.at(100_027))
    }
}
