import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import ProviderChecks

/// The table of §9.1 of the measurement's specification, and what blurs it.
@Suite struct LocalTurnaroundTests {
    struct Row: CustomTestStringConvertible, Sendable {
        var acceptsLocal: Bool
        var reversePath: Int
        var dropsInvalid = false
        /// Whether something leaves: reply unidirectional, reply bidirectional, request.
        var leaves: [Bool]

        var testDescription: String {
            "accept_local=\(acceptsLocal) rp_filter=\(reversePath) invalid drop=\(dropsInvalid)"
        }
    }

    static let rows = [
        Row(acceptsLocal: false, reversePath: 0, leaves: [false, false, true]),
        Row(acceptsLocal: false, reversePath: 2, leaves: [false, false, true]),
        Row(acceptsLocal: true, reversePath: 0, leaves: [true, true, true]),
        Row(acceptsLocal: true, reversePath: 2, leaves: [true, true, true]),
        Row(acceptsLocal: true, reversePath: 1, leaves: [false, true, true]),
        Row(acceptsLocal: true, reversePath: 0, dropsInvalid: true, leaves: [false, false, true]),
    ]

    @Test(arguments: rows, Array(CheckedHost.Check.allCases.enumerated()).map(\.offset))
    func `names style, direction and share for every cell of the table`(row: Row, column: Int) {
        let check = CheckedHost.Check.allCases[column]
        var host = CheckedHost()
        host.acceptsLocal = row.acceptsLocal
        host.reversePath = row.reversePath
        host.dropsInvalid = row.dropsInvalid
        host.run(check)
        let report = host.report()
        #expect(report.style == (check == .request ? .request : .reply))
        #expect(
            report.direction
                == (check == .replyUnidirectional ? .unidirectional : .bidirectional))
        #expect(report.answered?.total ?? 0 >= 250)
        #expect(abs((report.perSecond ?? 0) - 5) < 0.1)
        let target = check == .replyUnidirectional ? CheckedHost.endpoint : CheckedHost.inside
        #expect(report.targets.map(\.address) == [target])
        if row.leaves[column] {
            #expect(report.answered?.ratio == 1)
            #expect(report.answered?.low ?? 0 > 0.95)
            #expect(report.missing == nil)
            #expect(report.predictedState == .healthy)
            #expect(!report.isDirectionInferred)
            #expect(
                report.answeredBy
                    == (check == .replyUnidirectional
                        ? .init(wan: 500) : .init(tunnel: 500)))
        } else {
            #expect(report.answered?.ratio == 0)
            #expect(report.answered?.high ?? 1 < 0.05)
            #expect(report.missing?.source == target)
            #expect(report.missing?.style == .reply)
            #expect(report.predictedState == .down)
            #expect(report.isDirectionInferred)
        }
    }

    @Test func `counts totals that never fall`() {
        var host = CheckedHost()
        host.run(.request, seconds: 20)
        let before = host.report(22).totals
        host.acceptsLocal = false
        host.run(.replyBidirectional, from: 30, seconds: 20)
        let after = host.report(52).totals
        #expect(before[.request]?.answered == 100)
        #expect(after[.request] == before[.request])
        #expect(after[.reply]?.unanswered == 100)
        // Much later the windows are empty; the totals stay.
        host.watch.advance(to: at(5_000))
        let late = host.report(5_000)
        #expect(late.totals == after)
        #expect(late.style == nil)
        #expect(late.styleReason == "no check arrived within five minutes")
        #expect(late.perSecond == 0)
        #expect(late.predictedState == nil)
    }

    @Test func `says both when both styles arrive`() {
        var host = CheckedHost()
        for second in 0..<50 {
            host.run(.request, from: Double(second * 2), seconds: 1, perSecond: 3)
            host.run(.replyBidirectional, from: Double(second * 2 + 1), seconds: 1, perSecond: 3)
        }
        let report = host.report()
        #expect(report.style == nil)
        #expect(report.styleReason?.contains("both") == true)
        #expect(report.direction == .bidirectional)
        #expect(report.targets.count == 2)
    }

    @Test func `says both when answers leave both ways`() {
        var host = CheckedHost()
        host.run(.replyUnidirectional, seconds: 50)
        host.run(.replyBidirectional, from: 50, seconds: 50)
        let report = host.report()
        #expect(report.style == .reply)
        #expect(report.direction == nil)
        #expect(report.directionReason != nil)
    }

    @Test func `does not mind which device's capture comes first`() {
        var host = CheckedHost()
        host.isBatching = true
        var number = 0
        for second in 0..<60 {
            for step in 0..<10 {
                let now = Double(second) + Double(step) / 10
                host.receive(
                    CheckedHost.arrival(
                        .replyUnidirectional, edge: step, identifier: UInt16(number), at: at(now)))
                number += 1
            }
            // The underlay's packets come after the tunnel's of the same second, or before those of
            // the next one.
            for observation in host.batched { host.watch.receive(observation) }
            host.batched = []
            host.watch.advance(to: at(Double(second) + 0.95))
        }
        // And a second in which the answers are told of before the checks.
        var arrivals: [SeenEcho] = []
        for step in 0..<10 {
            let arrival = CheckedHost.arrival(
                .replyUnidirectional, edge: step, identifier: UInt16(60_000 + step),
                at: at(60 + Double(step) / 100))
            arrivals.append(arrival)
            if let answer = host.answer(to: arrival) { host.watch.receive(answer) }
        }
        for arrival in arrivals { host.watch.receive(arrival) }
        host.watch.advance(to: at(63))
        #expect(host.report(63).totals[.reply]?.answered == 610)
        #expect(host.report(63).totals[.reply]?.unanswered == 0)
    }

    @Test func `judges nothing by a device that is not captured`() {
        var settings = CheckedHost.settings
        settings.watched = [.tunnel]
        var host = CheckedHost(settings: settings)
        host.misses = [.wan]
        host.run(.replyUnidirectional)
        let report = host.report()
        #expect(report.style == .reply)
        #expect(report.answered == nil)
        #expect(report.answeredReason?.contains("underlay") == true)
        #expect(report.predictedState == nil)
        #expect(report.missing == nil)
        #expect(report.totals[.reply]?.unanswered == 0)
        #expect(report.totals[.reply]?.unjudged == 500)
        // What is answered by the tunnel can be judged all the same.
        host.run(.replyBidirectional, from: 400)
        #expect(host.report(502).answered?.ratio == 1)
    }

    @Test func `knows nothing without the tunnel's device`() {
        var settings = CheckedHost.settings
        settings.watched = [.wan]
        var host = CheckedHost(settings: settings)
        host.misses = [.tunnel]
        host.run(.replyUnidirectional)
        let report = host.report()
        #expect(report.perSecond == nil)
        #expect(report.reason?.contains("tunnel's device") == true)
        #expect(report.totals.isEmpty)
    }

    @Test func `judges nothing while the capture loses packets`() {
        var host = CheckedHost()
        host.acceptsLocal = false
        for second in 0..<20 {
            host.watch.lose(at: at(Double(second)))
            host.run(.replyUnidirectional, from: Double(second), seconds: 1)
        }
        let report = host.report(22)
        #expect(report.totals[.reply]?.unanswered == 0)
        #expect(report.totals[.reply]?.unjudged == 100)
        #expect(report.predictedState == nil)
        // Loss ends, and silence means something again.
        host.run(.replyUnidirectional, from: 30, seconds: 20)
        #expect(host.report(52).totals[.reply]?.unanswered == 100)
    }

    @Test func `calls an answer after 100 ms late, not missing`() {
        var host = CheckedHost()
        host.delay = 0.15
        host.run(.request)
        let report = host.report()
        #expect(report.answered?.ratio == 0)
        #expect(report.totals[.request]?.late == 500)
        #expect(report.missing?.isLate == true)
    }

    @Test func `follows a change of the host within a minute`() {
        var host = CheckedHost()
        host.acceptsLocal = false
        host.run(.replyBidirectional)
        #expect(host.report().missing != nil)
        host.acceptsLocal = true
        host.run(.replyBidirectional, from: 102, seconds: 65)
        let report = host.report(169)
        #expect(report.answered?.ratio == 1)
        #expect(report.missing == nil)
        #expect(report.predictedState == .degraded)
    }

    @Test func `takes an answer by another tunnel`() {
        var host = CheckedHost()
        for number in 0..<100 {
            let arrival = CheckedHost.arrival(
                .replyBidirectional, edge: 0, identifier: UInt16(number),
                at: at(Double(number) / 5))
            host.watch.receive(arrival)
            var answer = host.answer(to: arrival)
            answer?.place = .otherTunnel
            if let answer { host.watch.receive(answer) }
            host.watch.advance(to: arrival.at)
        }
        host.watch.advance(to: at(22))
        let report = host.report(22)
        #expect(report.answeredBy.otherTunnel == 100)
        #expect(report.direction == .bidirectional)
        #expect(report.answered?.ratio == 1)
    }

    @Test func `takes an answer whose source was translated`() {
        var host = CheckedHost()
        for number in 0..<50 {
            let arrival = CheckedHost.arrival(
                .request, edge: 0, identifier: UInt16(number), at: at(Double(number) / 5))
            host.watch.receive(arrival)
            var answer = host.answer(to: arrival)
            answer?.source = address("192.168.1.7")
            if let answer { host.watch.receive(answer) }
        }
        host.watch.advance(to: at(12))
        #expect(host.report(12).totals[.request]?.answered == 50)
    }

    @Test func `does not take another's answer for a check's own`() {
        var host = CheckedHost()
        host.acceptsLocal = false
        let arrival = CheckedHost.arrival(
            .replyBidirectional, edge: 0, identifier: 7, at: at(1))
        guard var answer = CheckedHost().answer(to: arrival) else {
            Issue.record("the model answers")
            return
        }
        host.watch.receive(arrival)
        for change in 0..<5 {
            var other = answer
            switch change {
            case 0: other.identifier = 8
            case 1: other.sequence = 1
            case 2: other.payloadHash = 1
            case 3: other.payloadByteCount = 57
            default: other.destination = address("10.0.0.1")
            }
            host.watch.receive(other)
        }
        // One that left before the check arrived answers something else.
        answer.at = at(0.9)
        host.watch.receive(answer)
        host.watch.advance(to: at(5))
        #expect(host.report(5).totals[.reply]?.unanswered == 1)
    }

    @Test func `works for IPv6 alike`() {
        let inside = address("fd00::1")
        let far = address("fd00::")
        var watch = LoneTunnel(
            settings: .init(
                ownAddresses: [inside], farAddress: far,
                linkPrefixes: [IPPrefix(inside, length: 127)]), start: .zero)
        for number in 0..<40 {
            var message = SeenEcho(
                at: at(Double(number)), place: .tunnel, direction: .inbound, kind: .reply,
                source: inside, destination: far, identifier: UInt16(number * 7), sequence: 0,
                payloadHash: 3, payloadByteCount: 56, hopLimit: 60)
            watch.receive(message)
            message.direction = .outbound
            message.hopLimit = 59
            watch.receive(message)
            watch.advance(to: message.at)
        }
        watch.advance(to: at(42))
        let report = watch.report(at: at(42))
        #expect(report.style == .reply)
        #expect(report.direction == .bidirectional)
        #expect(report.answered?.ratio == 1)
    }
}
