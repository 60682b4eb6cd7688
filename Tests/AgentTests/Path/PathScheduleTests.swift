import Configuration
import KernelState
import NetworkPrimitives
import PathMTU
import ReplyPath
import Testing

@testable import Agent

/// When which path is measured.
@Suite struct PathScheduleTests {
    private static func plan(
        _ name: String, outside: String = "198.51.100.1", inside: String? = "10.252.0.0",
        beyond: String? = "10.253.0.2", device: String = "ipsec0",
        interval: Duration = .seconds(600)
    ) -> TunnelPlan {
        var probing = ProbingSettings()
        probing.pmtuInterval = interval
        probing.replyPathInterval = interval
        return .made(
            name, outside: ip(outside), inside: inside.map(ip), beyond: beyond.map(ip),
            device: device, probing: probing)
    }

    /// A schedule with a clock, whose rounds all end at once.
    private struct Run {
        var schedule = PathSchedule()
        var now = MonotonicInstant(nanoseconds: 1_000_000_000_000)
        /// What was started, and how long after the start.
        var started: [(PathSchedule.Work, Duration)] = []
        let began = MonotonicInstant(nanoseconds: 1_000_000_000_000)
        var bytes: Int? = 1500
        var verdict = ReplyPathReport.Verdict.open

        mutating func pass(_ duration: Duration) {
            let end = now + duration
            while now < end {
                for work in schedule.due(at: now) {
                    started.append((work, now - began))
                    var outcome = PathRoundOutcome()
                    switch work {
                    case .search(let key):
                        schedule.started(key, search: true, ladder: false, at: now)
                        var report = PathMTUReport(unknown: "")
                        (report.bytes, report.reason) = (bytes, bytes == nil ? "silence" : nil)
                        outcome.mtu = report
                        schedule.ended(key, outcome, at: now)
                    case .ladder(let key):
                        schedule.started(key, search: false, ladder: true, at: now)
                        var replies = ReplyPathReport(inconclusive: "made up")
                        replies.verdict = verdict
                        outcome.replies = replies
                        schedule.ended(key, outcome, at: now)
                    case .confirm(let key, let number, let byteCount):
                        schedule.confirmed(
                            key, number, isAnswered: byteCount <= bytes ?? 0, at: now)
                    }
                }
                now = now + .seconds(1)
            }
        }

        func times(_ work: PathSchedule.Work) -> [Duration] {
            started.filter { $0.0 == work }.map(\.1)
        }

        var searches: Int {
            started.count { if case .search = $0.0 { true } else { false } }
        }
        var ladders: Int {
            started.count { if case .ladder = $0.0 { true } else { false } }
        }
        var confirmations: Int {
            started.count { if case .confirm = $0.0 { true } else { false } }
        }
    }

    @Test func `both paths are measured soon, spread, and then at their interval`() {
        var run = Run()
        run.schedule.watch([Self.plan("a"), Self.plan("b", outside: "198.51.100.2")], at: run.now)
        run.pass(.seconds(60))
        #expect(run.searches == 4)
        #expect(run.ladders == 4)
        let first = run.started.map(\.1)
        #expect(first.min() == PathSchedule.headStart)
        #expect(Set(first).count == 4, "each path at a time of its own")
        run.pass(.seconds(540))
        #expect(run.searches == 4)
        run.pass(.seconds(60))
        #expect(run.searches == 8)
        #expect(run.ladders == 8)
        #expect(run.confirmations > 20, "once a minute in between")
    }

    @Test func `tunnels over one underlay share it, at the shortest interval`() throws {
        var run = Run()
        let plans = [
            Self.plan("a"), Self.plan("b", device: "ipsec1", interval: .seconds(60)),
        ]
        run.schedule.watch(plans, at: run.now)
        run.pass(.seconds(300))
        let key = try #require(PathKey(plans[0], .outside))
        #expect(PathKey(plans[1], .outside) == key)
        #expect(run.times(.search(key)).count == 5)
        #expect(run.times(.search(.inside("a"))).count == 1)
        #expect(run.times(.search(.inside("b"))).count == 5)
        #expect(run.schedule.subject(of: key)?.tunnels == ["a", "b"])
    }

    @Test func `another mark is another underlay`() {
        var marked = Self.plan("b")
        for index in marked.roles.indices {
            if case .probe(var route) = marked.roles[index] {
                route.mark = 7
                marked.roles[index] = .probe(route)
            }
        }
        #expect(PathKey(Self.plan("a"), .outside) != PathKey(marked, .outside))
    }

    @Test func `a change of state has the ladders climbed at once, and not in a storm`() {
        var run = Run()
        run.schedule.watch([Self.plan("a"), Self.plan("b", outside: "198.51.100.2")], at: run.now)
        run.pass(.seconds(100))
        let before = run.ladders
        run.schedule.noteStateChange(of: "a", at: run.now)
        run.pass(.seconds(2))
        #expect(run.ladders == before + 2, "inside and outside of that tunnel")
        for _ in 0..<60 {
            run.schedule.noteStateChange(of: "a", at: run.now)
            run.pass(.seconds(1))
        }
        #expect(run.ladders <= before + 2 + 2 * 3)
        #expect(run.searches == 4)
    }

    @Test func `another device or another MTU of it is another path`() {
        var run = Run()
        run.schedule.watch([Self.plan("a")], at: run.now)
        run.schedule.note(deviceMTUs: [nil: ["ipsec0": 1400]], at: run.now)
        run.pass(.seconds(100))
        #expect(run.searches == 2)
        run.schedule.note(deviceMTUs: [nil: ["ipsec0": 1400]], at: run.now)
        run.pass(.seconds(5))
        #expect(run.searches == 2)
        run.schedule.note(deviceMTUs: [nil: ["ipsec0": 1380]], at: run.now)
        run.pass(.seconds(5))
        #expect(run.times(.search(.inside("a"))).count == 2)
        #expect(run.searches == 3)
        run.pass(.seconds(60))
        run.schedule.watch([Self.plan("a", device: "ipsec7")], at: run.now)
        run.pass(.seconds(5))
        #expect(run.times(.search(.inside("a"))).count == 3)
        #expect(run.times(.ladder(.inside("a"))).count == 2)
    }

    @Test func `a quick ladder comes first, and what it says against somebody is looked at again`()
    {
        var run = Run()
        let key = PathKey.inside("a")
        run.schedule.watch([Self.plan("a")], at: run.now)
        #expect(run.schedule.isQuick(.ladder(key)) && run.schedule.isQuick(.search(key)))
        run.verdict = .blocked
        run.pass(.seconds(30))
        #expect(run.times(.ladder(key)).count == 1)
        #expect(!run.schedule.isQuick(.ladder(key)) && !run.schedule.isQuick(.search(key)))
        run.pass(.seconds(40))
        #expect(run.times(.ladder(key)).count == 2, "with more flows, half a minute later")
        run.pass(.seconds(300))
        #expect(run.times(.ladder(key)).count == 2, "and then at its interval")
        run.schedule.noteStateChange(of: "a", at: run.now)
        #expect(run.schedule.isQuick(.ladder(key)), "a state that changed wants to be known why")
    }

    @Test func `large packets that vanish have the size searched again`() {
        var run = Run()
        run.schedule.watch([Self.plan("a")], at: run.now)
        run.pass(.seconds(30))
        #expect(run.searches == 2)
        run.bytes = 1400
        run.pass(.seconds(150))
        #expect(run.searches == 4, "three confirmations were not answered, on both paths")
    }

    @Test func `what cannot be sent is not due`() {
        var run = Run()
        run.schedule.watch([Self.plan("a", inside: nil, beyond: nil)], at: run.now)
        run.pass(.seconds(100))
        #expect(run.searches == 1)
        #expect(run.ladders == 1)
        #expect(run.times(.search(.inside("a"))).isEmpty)
    }

    @Test func `a tunnel that goes leaves nothing behind, a guest for two minutes`() throws {
        var run = Run()
        let (plan, guest) = (Self.plan("a"), Self.plan("guest", outside: "198.51.100.9"))
        run.schedule.watch([plan], at: run.now)
        run.pass(.seconds(30))
        let keys = run.schedule.invite([plan, guest], at: run.now)
        #expect(keys.count == 4)
        let guestKey = try #require(PathKey(guest, .outside))
        run.schedule.lackedTime(guestKey)
        #expect(run.schedule.findings(of: guestKey)?.mtu?.reason == "time limit")
        let own = try #require(PathKey(plan, .outside))
        run.schedule.lackedTime(own)
        #expect(run.schedule.findings(of: own)?.mtu?.bytes == 1500, "what is known stays")
        run.pass(.seconds(60))
        #expect(run.times(.search(guestKey)).isEmpty)
        run.schedule.watch([], at: run.now)
        #expect(run.schedule.findings(of: own) == nil)
        #expect(run.schedule.findings(of: guestKey) != nil)
        run.pass(.seconds(60))
        run.schedule.watch([], at: run.now)
        #expect(run.schedule.findings(of: guestKey) == nil)
    }

    @Test func `a round that was called off changes nothing but the time`() throws {
        var run = Run()
        run.schedule.watch([Self.plan("a")], at: run.now)
        run.pass(.seconds(30))
        let key = PathKey.inside("a")
        run.schedule.started(key, search: true, ladder: true, at: run.now)
        var outcome = PathRoundOutcome()
        outcome.mtu = PathMTUReport(unknown: "time limit")
        outcome.replies = ReplyPathReport(inconclusive: "time limit")
        outcome.isCancelled = true
        run.schedule.ended(key, outcome, at: run.now)
        #expect(run.schedule.findings(of: key)?.mtu?.bytes == 1500)
        #expect(run.schedule.findings(of: key)?.replies?.reason == "made up")
    }
}
