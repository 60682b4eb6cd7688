import NetworkPrimitives
import Testing
@testable import TunnelHealth

@Suite struct HealthStateMachineTests {
    private typealias Transition = HealthStateMachine.Transition

    private static func at(_ seconds: Double) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64((seconds * 1e9).rounded()))
    }

    /// Feeds `count` samples, `step` seconds apart, the first `step` after `time`; moves `time`.
    private static func feed(
        _ machine: inout HealthStateMachine, _ succeeded: Bool, count: Int = 1, step: Double,
        time: inout Double, mayBeDown: Bool = true
    ) -> [Transition] {
        (0..<count).compactMap { _ in
            time += step
            return machine.record(succeeded: succeeded, sentAt: at(time), mayBeDown: mayBeDown)
        }
    }

    @Test func `goes through the reference sequence`() {
        var machine = HealthStateMachine()
        var states: [TunnelState] = []
        for second in 1...600 {
            _ = machine.record(succeeded: true, sentAt: Self.at(Double(second)))
            if second <= 3 { states.append(machine.state) }
        }
        #expect(states == [.unknown, .unknown, .healthy])
        let steps: [(Double, Bool, TunnelState)] = [
            (600.1, false, .healthy),  // one failure is not enough
            (600.2, false, .degraded),  // two in five minutes are
            (600.3, false, .degraded),  // the last second still holds the success of 600
            (601.05, false, .down),
            (602, true, .down), (602.1, true, .down), (602.2, true, .degraded),
        ]
        for (time, succeeded, state) in steps {
            _ = machine.record(succeeded: succeeded, sentAt: Self.at(time))
            #expect(machine.state == state, "at \(time)")
        }
        var time = 602.2
        while machine.state == .degraded, time < 2_000 {
            time += 1
            _ = machine.record(succeeded: true, sentAt: Self.at(time))
        }
        #expect(machine.state == .healthy)
        #expect((300...301).contains(time - 602.2))
    }

    // MARK: - The reference implementation

    private struct Stream {
        var samples: [(at: MonotonicInstant, succeeded: Bool)] = []
        var changes: [(index: Int, state: TunnelState)] = []

        init?(_ line: Substring) {
            let halves = line.split(separator: "|", omittingEmptySubsequences: false)
            guard halves.count == 2 else { return nil }
            var ticks: Int64 = 0
            for segment in halves[0].split(separator: " ") {
                let numbers = segment.split { $0 == "+" || $0 == "-" }
                guard numbers.count == 2, let step = Int64(numbers[0]), let count = Int(numbers[1])
                else { return nil }
                for _ in 0..<count {
                    ticks += step
                    samples.append(
                        (MonotonicInstant(nanoseconds: ticks * 15_625_000), segment.contains("+")))
                }
            }
            for change in halves[1].split(separator: " ") {
                let states: [Character: TunnelState] = ["h": .healthy, "d": .degraded, "x": .down]
                guard let index = Int(change.dropLast()), let letter = change.last,
                    let state = states[letter]
                else { return nil }
                changes.append((index, state))
            }
        }
    }

    @Test func `agrees with the reference implementation on 250 random streams`() {
        let streams = flapOracleStreams.split(separator: "\n").compactMap(Stream.init)
        #expect(streams.count == 250)
        var compared = 0
        for (number, stream) in streams.enumerated() {
            var machine = HealthStateMachine()
            var changes: [(index: Int, state: TunnelState)] = []
            for (index, sample) in stream.samples.enumerated() {
                let change = machine.record(succeeded: sample.succeeded, sentAt: sample.at)
                if let change { changes.append((index, change.to)) }
            }
            // The reference has been healthy from the start.
            #expect(changes.first?.index == 2)
            #expect(changes.first?.state == .healthy)
            let rest = changes.dropFirst()
            #expect(rest.map(\.index) == stream.changes.map(\.index), "stream \(number)")
            #expect(rest.map(\.state) == stream.changes.map(\.state), "stream \(number)")
            compared += rest.count
        }
        #expect(compared > 1_500)
    }

    // MARK: - Transitions

    @Test func `unknown + three successes in a row → healthy`() {
        var machine = HealthStateMachine()
        var time = 0.0
        #expect(Self.feed(&machine, true, count: 2, step: 1, time: &time).isEmpty)
        #expect(Self.feed(&machine, false, step: 1, time: &time).isEmpty)
        #expect(Self.feed(&machine, true, count: 2, step: 1, time: &time).isEmpty)
        let changes = Self.feed(&machine, true, step: 1, time: &time)
        #expect(changes == [Transition(from: .unknown, to: .healthy, at: Self.at(6))])
        #expect(machine.since == Self.at(6))
    }

    @Test func `unknown + three failures within a second → down`() {
        var machine = HealthStateMachine()
        var time = 0.0
        #expect(Self.feed(&machine, false, count: 5, step: 0.6, time: &time).isEmpty)
        let changes = Self.feed(&machine, false, step: 0.4, time: &time)
        #expect(changes == [Transition(from: .unknown, to: .down, at: Self.at(3.4))])
    }

    @Test func `unknown stays where other evidence shows traffic, and down goes back to it`() {
        var machine = HealthStateMachine()
        var time = 0.0
        #expect(
            Self.feed(&machine, false, count: 9, step: 0.01, time: &time, mayBeDown: false).isEmpty)
        #expect(machine.state == .unknown)
        #expect(
            Self.feed(&machine, false, step: 0.01, time: &time).map(\.to) == [.down])
        let back = Self.feed(&machine, false, step: 0.01, time: &time, mayBeDown: false)
        #expect(back.map(\.from) == [.down])
        #expect(back.map(\.to) == [.unknown])
        #expect(!machine.hasEverSucceeded)
        // Once it answered, silence is silence.
        #expect(Self.feed(&machine, true, step: 2, time: &time).isEmpty)
        let fall = Self.feed(&machine, false, count: 4, step: 0.4, time: &time, mayBeDown: false)
        #expect(fall.map(\.to) == [.down])
    }

    @Test func `healthy + two failures in five minutes → degraded, one → healthy`() {
        var machine = HealthStateMachine()
        var time = 0.0
        _ = Self.feed(&machine, true, count: 400, step: 1, time: &time)
        #expect(Self.feed(&machine, false, step: 1, time: &time).isEmpty)
        // The next failure comes when the first has just left the window.
        #expect(Self.feed(&machine, true, count: 300, step: 1, time: &time).isEmpty)
        #expect(Self.feed(&machine, false, step: 1, time: &time).isEmpty)
        #expect(Self.feed(&machine, true, count: 299, step: 1, time: &time).isEmpty)
        #expect(Self.feed(&machine, false, step: 1, time: &time).map(\.to) == [.degraded])
    }

    @Test func `healthy + two failures of more than 2000 → healthy`() {
        for (count, to) in [(1_998, TunnelState.degraded), (1_999, .healthy)] {
            var machine = HealthStateMachine()
            var time = 0.0
            _ = Self.feed(&machine, true, count: count, step: 0.125, time: &time)
            _ = Self.feed(&machine, false, count: 2, step: 0.125, time: &time)
            #expect(machine.state == to, "2 of \(count + 2)")
        }
    }

    @Test func `healthy + a second of failures → down, where two are below the share`() {
        var machine = HealthStateMachine()
        var time = 0.0
        _ = Self.feed(&machine, true, count: 2_390, step: 0.125, time: &time)
        _ = Self.feed(&machine, false, step: 1.001, time: &time)
        let changes = Self.feed(&machine, false, count: 2, step: 0.01, time: &time)
        #expect(changes.map(\.from) == [.healthy])
        #expect(changes.map(\.to) == [.down])
    }

    @Test func `degraded + 30 successes → healthy, not before the minimum stay`() {
        var machine = HealthStateMachine()
        var time = 0.0
        _ = Self.feed(&machine, true, count: 10, step: 1, time: &time)
        _ = Self.feed(&machine, false, count: 2, step: 1, time: &time)
        #expect(machine.state == .degraded)
        #expect(Self.feed(&machine, true, count: 299, step: 1, time: &time).isEmpty)
        let changes = Self.feed(&machine, true, count: 2, step: 1, time: &time)
        #expect(changes == [Transition(from: .degraded, to: .healthy, at: Self.at(312))])
    }

    @Test func `degraded + one failure among the last 30 → degraded`() {
        var machine = HealthStateMachine()
        var time = 0.0
        _ = Self.feed(&machine, true, count: 10, step: 1, time: &time)
        _ = Self.feed(&machine, false, count: 2, step: 1, time: &time)
        for _ in 0..<100 {
            #expect(Self.feed(&machine, true, count: 29, step: 1, time: &time).isEmpty)
            #expect(Self.feed(&machine, false, step: 1, time: &time).isEmpty)
        }
        // Ten failures lie within the window; the last but one leaves it 271 s after the last.
        let changes = Self.feed(&machine, true, count: 300, step: 1, time: &time)
        #expect(changes.map(\.to) == [.healthy])
        #expect(changes.map(\.at) == [Self.at(time - 29)])
    }

    @Test func `down + three successes in a row → degraded, never healthy`() {
        var machine = HealthStateMachine()
        var time = 0.0
        _ = Self.feed(&machine, false, count: 3, step: 0.1, time: &time)
        #expect(machine.state == .down)
        _ = Self.feed(&machine, true, count: 2, step: 0.5, time: &time)
        _ = Self.feed(&machine, false, step: 0.5, time: &time)
        #expect(Self.feed(&machine, true, count: 2, step: 0.5, time: &time).isEmpty)
        #expect(Self.feed(&machine, true, step: 0.5, time: &time).map(\.to) == [.degraded])
    }

    @Test func `degraded + a second of failures → down`() {
        var machine = HealthStateMachine()
        var time = 0.0
        _ = Self.feed(&machine, true, count: 10, step: 1, time: &time)
        _ = Self.feed(&machine, false, count: 2, step: 0.9, time: &time)
        #expect(machine.state == .degraded)
        let changes = Self.feed(&machine, false, step: 0.1, time: &time)
        #expect(changes.map(\.from) == [.degraded])
        #expect(changes.map(\.to) == [.down])
    }

    @Test func `knows no transitions but those eight`() {
        var state: UInt64 = 8
        func draw(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        var seen: Set<[TunnelState]> = []
        for _ in 0..<300 {
            var machine = HealthStateMachine()
            machine.thresholds.degradedMinimum = .seconds(60)
            machine.thresholds.degradedRatio = 0.05
            var time = 0.0
            for _ in 0..<60 {
                let succeeded = draw(3) > 0
                let changes = Self.feed(
                    &machine, succeeded, count: Int(draw(succeeded ? 80 : 5)),
                    step: Double([1, 5, 50, 100, 200][Int(draw(5))]) / 100, time: &time,
                    mayBeDown: draw(2) == 0)
                for change in changes {
                    #expect(change.from != change.to)
                    seen.insert([change.from, change.to])
                }
            }
            // A tunnel that never answered is another matter.
            var silent = HealthStateMachine()
            for _ in 0..<10 {
                let changes = Self.feed(
                    &silent, false, count: 3, step: 0.1, time: &time, mayBeDown: draw(2) == 0)
                for change in changes { seen.insert([change.from, change.to]) }
            }
        }
        #expect(
            seen == [
                [.unknown, .healthy], [.unknown, .down], [.down, .unknown], [.down, .degraded],
                [.healthy, .degraded], [.healthy, .down], [.degraded, .healthy],
                [.degraded, .down],
            ])
    }

    @Test func `needs no more memory after a week than after an hour`() {
        var machine = HealthStateMachine()
        var time = 0.0
        _ = Self.feed(&machine, true, count: 7 * 86_400, step: 1, time: &time)
        #expect(machine.state == .healthy)
        #expect(machine.rememberedSampleCount <= 700)
        _ = Self.feed(&machine, false, count: 2, step: 1, time: &time)
        #expect(machine.state == .degraded)
    }

    @Test func `what was forgotten neither excuses nor accuses a new target`() {
        var machine = HealthStateMachine()
        var time = 0.0
        _ = Self.feed(&machine, true, count: 3, step: 1, time: &time)
        _ = Self.feed(&machine, false, count: 1, step: 0.1, time: &time)
        machine.forgetSamples()
        #expect(machine.state == .healthy)
        #expect(!machine.hasEverSucceeded)
        #expect(Self.feed(&machine, false, step: 0.1, time: &time).isEmpty, "the first failure")
        let changes = Self.feed(
            &machine, false, count: 2, step: 0.1, time: &time, mayBeDown: false)
        #expect(changes.map(\.to) == [.degraded, .unknown])
    }

    @Test func `out of sight is unknown, once, and three successes are healthy again`() {
        var machine = HealthStateMachine()
        #expect(machine.loseSight(at: Self.at(0)) == nil)
        var time = 1.0
        _ = Self.feed(&machine, true, count: 3, step: 1, time: &time)
        let lost = machine.loseSight(at: Self.at(5))
        #expect(lost == Transition(from: .healthy, to: .unknown, at: Self.at(5)))
        #expect(machine.loseSight(at: Self.at(6)) == nil)
        #expect(machine.since == Self.at(5))
        time = 100
        let back = Self.feed(&machine, true, count: 3, step: 1, time: &time)
        #expect(back == [Transition(from: .unknown, to: .healthy, at: Self.at(103))])
    }
}
