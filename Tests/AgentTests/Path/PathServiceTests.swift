import Configuration
import KernelState
import Logging
import NetworkPrimitives
import PathMTU
import RawSockets
import ReplyPath
import Synchronization
import Testing

@testable import Agent

/// Rounds as the service starts, shares, calls off and ends them, with a runner that measures nothing.
@Suite struct PathServiceTests {
    /// Records rounds, each of which lasts until it is released, called off or out of time.
    private final class Rounds: Sendable {
        struct State {
            var orders: [PathRoundOrder] = []
            var running = 0
            var mostRunning = 0
            var cancelled = 0
            var isOpen = false
        }

        let state = Mutex(State())

        var orders: [PathRoundOrder] { state.withLock { $0.orders } }

        func open() { state.withLock { $0.isOpen = true } }

        func run(_ order: PathRoundOrder, _ control: PathRoundControl) -> PathRoundOutcome {
            state.withLock { state in
                state.orders.append(order)
                state.running += 1
                state.mostRunning = max(state.mostRunning, state.running)
            }
            var outcome = PathRoundOutcome()
            let poll = try? EventPoll()
            while !state.withLock({ $0.isOpen }), MonotonicClock.now() < order.end {
                if control.isCancelled {
                    outcome.isCancelled = true
                    break
                }
                poll?.wait(until: MonotonicClock.now() + .milliseconds(2)) { _ in }
            }
            let isInTime = state.withLock { state in
                state.running -= 1
                state.cancelled += outcome.isCancelled ? 1 : 0
                return state.isOpen
            }
            if order.search != nil {
                var report = PathMTUReport(unknown: "time limit")
                if isInTime { (report.bytes, report.reason) = (1400, nil) }
                outcome.mtu = report
            }
            if order.ladder != nil {
                outcome.replies = ReplyPathReport(inconclusive: isInTime ? "made up" : "time limit")
            }
            return outcome
        }
    }

    private static func service(_ rounds: Rounds) -> PathService {
        PathService(
            logger: Logger(label: "test"), runner: { rounds.run($0, $1) },
            confirmer: { $0.map { _ in true } })
    }

    private static func plan(_ name: String, outside: String = "198.51.100.1") -> TunnelPlan {
        .made(
            name, outside: ip(outside), inside: ip("10.252.0.0"), beyond: ip("10.253.0.2"),
            device: "ipsec-\(name)")
    }

    private static func eventually(_ holds: () -> Bool) async throws -> Bool {
        for _ in 0..<3000 {
            if holds() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    @Test func `an examination measures each path once, urgently, and shares underlays`() async {
        let rounds = Rounds()
        rounds.open()
        let service = Self.service(rounds)
        defer { service.stop() }
        let plans = [Self.plan("a"), Self.plan("b"), Self.plan("c", outside: "198.51.100.2")]
        await service.examine(plans, until: MonotonicClock.now() + .seconds(60))
        #expect(rounds.orders.count == 5, "three insides, two underlays")
        #expect(rounds.orders.allSatisfy { $0.search?.settings.isUrgent == true })
        #expect(rounds.orders.allSatisfy { $0.ladder != nil })
        for plan in plans {
            for path in ProbePath.allCases {
                #expect(service.findings(of: plan, path)?.mtu?.bytes == 1400)
            }
        }
    }

    @Test func `what is unfinished at the end says so`() async {
        let rounds = Rounds()
        let service = Self.service(rounds)
        defer { service.stop() }
        let began = MonotonicClock.now()
        await service.examine([Self.plan("a")], until: began + .milliseconds(600))
        #expect(service.findings(of: Self.plan("a"), .inside)?.mtu?.reason == "time limit")
        #expect(service.findings(of: Self.plan("a"), .outside)?.replies?.reason == "time limit")
    }

    @Test func `an examination calls off the regular round of its path`() async throws {
        let rounds = Rounds()
        let service = Self.service(rounds)
        defer { service.stop() }
        let plan = Self.plan("a")
        service.watch([plan])
        // As if the first rounds were due already.
        service.startWhatIsDue(at: MonotonicClock.now() + .seconds(30))
        #expect(try await Self.eventually { rounds.orders.count == 4 })
        #expect(rounds.orders.allSatisfy { ($0.search == nil) != ($0.ladder == nil) })
        async let examined: Void = service.examine(
            [plan], until: MonotonicClock.now() + .seconds(60))
        #expect(try await Self.eventually { rounds.state.withLock { $0.cancelled } == 4 })
        #expect(try await Self.eventually { rounds.orders.count >= 6 })
        rounds.open()
        await examined
        #expect(service.findings(of: plan, .outside)?.mtu?.bytes == 1400)
    }

    @Test func `two examinations of one path share a round`() async throws {
        let rounds = Rounds()
        let service = Self.service(rounds)
        defer { service.stop() }
        let end = MonotonicClock.now() + .seconds(60)
        async let first: Void = service.examine([Self.plan("a")], until: end)
        #expect(try await Self.eventually { rounds.orders.count == 2 })
        // To its end, while the first one's rounds last.
        await service.examine(
            [Self.plan("a")], until: MonotonicClock.now() + .milliseconds(500))
        #expect(rounds.orders.count == 2)
        rounds.open()
        await first
        #expect(rounds.orders.count == 2)
    }

    @Test func `a client that goes away takes its rounds with it`() async throws {
        let rounds = Rounds()
        let service = Self.service(rounds)
        defer { service.stop() }
        let task = Task {
            await service.examine([Self.plan("a")], until: MonotonicClock.now() + .seconds(600))
        }
        #expect(try await Self.eventually { rounds.orders.count == 2 })
        task.cancel()
        await task.value
        #expect(try await Self.eventually { rounds.state.withLock { $0.running } == 0 })
    }

    @Test func `regular rounds have so many threads and no more`() async throws {
        let rounds = Rounds()
        let service = Self.service(rounds)
        defer { service.stop() }
        let plans = (1...30).map { Self.plan("t\($0)", outside: "198.51.100.\($0)") }
        service.watch(plans)
        let now = MonotonicClock.now() + .seconds(400)
        for second in 0..<5 { service.startWhatIsDue(at: now + .seconds(second)) }
        #expect(
            try await Self.eventually { rounds.orders.count == 2 * PathService.regularRounds })
        rounds.open()
        // What waited for its turn comes when there is room.
        var later = now + .seconds(10)
        let isDone = try await Self.eventually {
            later = later + .seconds(1)
            service.startWhatIsDue(at: later)
            return rounds.orders.count >= 120
        }
        #expect(isDone)
        #expect(rounds.state.withLock { $0.mostRunning } <= 2 * PathService.regularRounds)
    }

    @Test func `reply pairs are told to the rounds of their path`() async throws {
        let pairs: [UInt8: PairObservations] = [
            1: PairObservations(
                controlsSent: 3, controlsAnswered: 3, testsSent: 3, testsAnswered: 0, router: nil)
        ]
        let box = Told()
        let service = PathService(logger: Logger(label: "test")) { order, control in
            box.wait(for: order, control)
        }
        defer { service.stop() }
        let plan = Self.plan("a")
        async let examined: Void = service.examine(
            [plan], until: MonotonicClock.now() + .seconds(60))
        #expect(try await Self.eventually { box.running == 2 })
        service.note(pairs, of: plan, .outside)
        #expect(try await Self.eventually { !box.outside.isEmpty })
        #expect(box.outside == pairs)
        #expect(box.inside.isEmpty)
        box.end()
        await examined
    }

    /// Rounds that only listen.
    private final class Told: Sendable {
        private struct State {
            var running = 0
            var pairs: [ProbePath: [UInt8: PairObservations]] = [:]
            var isOver = false
        }

        private let state = Mutex(State())

        var running: Int { state.withLock { $0.running } }
        var outside: [UInt8: PairObservations] { state.withLock { $0.pairs[.outside] ?? [:] } }
        var inside: [UInt8: PairObservations] { state.withLock { $0.pairs[.inside] ?? [:] } }

        func end() { state.withLock { $0.isOver = true } }

        func wait(for order: PathRoundOrder, _ control: PathRoundControl) -> PathRoundOutcome {
            state.withLock { $0.running += 1 }
            let poll = try? EventPoll()
            while !state.withLock({ $0.isOver }), !control.isCancelled {
                let pairs = control.takePairs()
                if !pairs.isEmpty { state.withLock { $0.pairs[order.path] = pairs } }
                poll?.wait(until: MonotonicClock.now() + .milliseconds(2)) { _ in }
            }
            return PathRoundOutcome()
        }
    }
}
