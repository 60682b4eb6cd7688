import NetworkPrimitives
import Testing

@testable import History

private func at(_ seconds: Int64) -> WallTime { WallTime(nanoseconds: seconds * 1_000_000_000) }

private func state(_ seconds: Int64, _ from: String, _ to: String) -> HistoryEvent {
    HistoryEvent(
        at: at(seconds), tunnel: "cf-1",
        .stateChanged(StateChange(from: from, to: to, source: "inside")))
}

private func raised(
    _ seconds: Int64, _ id: String, _ severity: String = "critical", by cause: String? = nil
) -> HistoryEvent {
    HistoryEvent(
        at: at(seconds), tunnel: "cf-1",
        .findingRaised(
            FindingRecord(
                id: id, severity: severity, confidence: 1, summary: id, remedy: ["do"],
                explainedBy: cause)))
}

private struct MadeUp: HistorySource {
    var all: [HistoryEvent] = []
    var rows: [HistoryMinute] = []
    var initial: String?

    func events(_ times: ClosedRange<WallTime>, of tunnel: String?) throws(Never) -> [HistoryEvent]
    {
        all.filter { times.contains($0.at) && (tunnel == nil || $0.tunnel == tunnel) }
    }
    func minutes(_ times: ClosedRange<WallTime>, of tunnel: String) throws(Never) -> [HistoryMinute]
    {
        rows.filter { times.contains($0.at) && $0.tunnel == tunnel }
    }
    func tunnels() throws(Never) -> [String] { ["cf-1"] }
    func state(of tunnel: String, before: WallTime) throws(Never) -> String? { initial }
}

private let day: Int64 = 86_400
/// A midnight.
private let start: Int64 = 20_000 * day

private func report(
    _ events: [HistoryEvent], initial: String? = "healthy", hours: Int64 = 24,
    rows: [HistoryMinute] = [], watchedUntil: WallTime? = nil
) -> TunnelHistory {
    HistoryReport(
        MadeUp(all: events, rows: rows, initial: initial), at(start)...at(start + hours * 3600),
        objective: 98, watchedUntil: watchedUntil
    ).tunnels[0]
}

@Suite struct `The history of a tunnel` {
    @Test func `states follow each other, and all of the time is accounted for`() {
        let history = report([
            state(start + 3600, "healthy", "down"), state(start + 5400, "down", "degraded"),
            state(start + 7200, "degraded", "healthy"),
        ])
        #expect(
            history.timeline.segments.map(\.state) == ["healthy", "down", "degraded", "healthy"])
        #expect(history.total.down == .seconds(1800))
        #expect(history.total.degraded == .seconds(1800))
        #expect(history.total.healthy == .seconds(23 * 3600))
        #expect(history.hours.count == 24)
        #expect(history.days.count == 1)
        #expect(history.hours[1].lengths.down == .seconds(1800))
        #expect(history.hours[1].lengths.availability == 0.5)
        #expect(history.hours[0].lengths.availability == 1)
    }

    @Test func `whatever comes in which order, the parts sum to the whole`() {
        var seed: UInt64 = 7
        func random(_ bound: UInt64) -> UInt64 {
            seed ^= seed << 13
            seed ^= seed >> 7
            seed ^= seed << 17
            return seed % bound
        }
        let states = ["healthy", "degraded", "down", "unknown"]
        for _ in 0..<200 {
            var events: [HistoryEvent] = []
            for _ in 0..<random(40) {
                let when = start - 3600 + Int64(random(30 * 3600))
                switch random(6) {
                case 0: events.append(HistoryEvent(at: at(when), tunnel: nil, .agentStopped))
                case 1:
                    events.append(
                        HistoryEvent(at: at(when), tunnel: nil, .agentStarted(version: "1")))
                default: events.append(state(when, "unknown", states[Int(random(4))]))
                }
            }
            let history = report(events, initial: random(2) == 0 ? nil : "healthy")
            let total = history.total
            #expect(
                total.healthy + total.degraded + total.down + total.unknown + total.notWatched
                    == .seconds(day))
            var sum = Duration.zero
            for hour in history.hours {
                sum += hour.lengths.judged + hour.lengths.unknown + hour.lengths.notWatched
            }
            #expect(sum == .seconds(day))
            var end = at(start)
            for segment in history.timeline.segments {
                #expect(segment.from == end)
                end = segment.to
            }
            #expect(end == at(start + day))
            for rate in history.burnRates {
                if let indicator = rate.indicator { #expect((0...1).contains(indicator)) }
            }
        }
    }

    @Test func `time without an agent is neither available nor failed`() {
        let history = report([
            HistoryEvent(at: at(start + 3600), tunnel: nil, .agentStopped),
            HistoryEvent(at: at(start + 7200), tunnel: nil, .agentStarted(version: "1")),
            state(start + 7210, "unknown", "healthy"),
        ])
        #expect(history.total.notWatched == .seconds(3600))
        #expect(history.total.unknown == .seconds(10))
        #expect(history.total.availability == 1)
        #expect(history.hours[1].lengths.availability == nil)
    }

    @Test func `a killed agent is known by its last sign of life`() {
        let killed = report([], watchedUntil: at(start + 600))
        #expect(killed.total.healthy == .seconds(600))
        #expect(killed.total.notWatched == .seconds(day - 600))
        #expect(killed.burnRates.allSatisfy { $0.rate == nil })
        #expect(killed.isAlerting == nil)
    }

    @Test func `the budget burns as the provider has it: degraded is failed, both windows count`() {
        let end = start + day
        // Half of the last five minutes, a twenty-fourth of the last hour.
        let spike = report([state(end - 150, "healthy", "degraded")])
        #expect(spike.burnRates[0].indicator == 0.5)
        #expect(abs((spike.burnRates[0].rate ?? 0) - 25) < 1e-9)
        #expect(spike.isAlerting == true)
        let short = report([
            state(end - 60, "healthy", "down"), state(end - 10, "down", "healthy"),
        ])
        #expect(abs((short.burnRates[1].rate ?? 0) - 50 / 3600 / 0.02) < 1e-6)
        #expect(short.isAlerting == false, "the hour is within the objective")
        #expect(report([]).isAlerting == false)
    }

    @Test func `an episode names what stood during it and nothing explained`() throws {
        let history = report([
            raised(start + 3605, "esp-blocked"),
            raised(start + 3606, "tunnel-flapping", "warning", by: "esp-blocked"),
            raised(start + 100, "mss-not-clamped", "warning"),
            HistoryEvent(at: at(start + 3500), tunnel: "cf-1", .rekeyed(RekeyEntry(spi: "0x1"))),
            HistoryEvent(at: at(start + 90), tunnel: "cf-1", .rekeyed(RekeyEntry(spi: "0x2"))),
            state(start + 3600, "healthy", "down"), state(start + 3900, "down", "degraded"),
            HistoryEvent(at: at(start + 3800), tunnel: "cf-1", .findingCleared(id: "esp-blocked")),
            state(start + 4000, "degraded", "healthy"),
            state(start + day - 100, "healthy", "degraded"),
        ])
        #expect(history.episodes.count == 2)
        let first = try #require(history.episodes.first)
        #expect(first.causes.map(\.id) == ["esp-blocked", "mss-not-clamped"])
        #expect(first.worst == "down" && !first.isOngoing && first.rekeysBefore == 1)
        #expect(first.length == .seconds(400))
        #expect(history.episodes[1].isOngoing)
        #expect(history.meanTimeToRecover == .seconds(400))
        let cleared = try #require(history.findings.first { $0.id == "esp-blocked" })
        #expect(!cleared.isStanding && cleared.total == .seconds(195) && cleared.times == 1)
        let standing = try #require(history.findings.first { $0.id == "mss-not-clamped" })
        #expect(standing.isStanding && standing.total == .seconds(day - 100))
    }

    @Test func `what was raised before the first moment still stands`() throws {
        let history = report([raised(start - 1000, "esn-enabled", "warning")])
        #expect(history.findings.map(\.id) == ["esn-enabled"])
        let gone = report([
            raised(start - 1000, "esn-enabled", "warning"),
            HistoryEvent(at: at(start - 500), tunnel: "cf-1", .findingCleared(id: "esn-enabled")),
        ])
        #expect(gone.findings.isEmpty)
    }

    @Test func `an agent that ends takes what stood with it`() throws {
        let history = report([
            raised(start + 100, "esn-enabled", "warning"),
            HistoryEvent(at: at(start + 400), tunnel: nil, .agentStopped),
        ])
        let finding = try #require(history.findings.first)
        #expect(!finding.isStanding && finding.total == .seconds(300))
    }

    @Test func `probes are counted in the hour that they were sent in`() {
        var minute = HistoryMinute(at: at(start + 3660), tunnel: "cf-1")
        minute.sent = 60
        minute.lost = 6
        let history = report([], rows: [minute])
        #expect(history.hours[1].sent == 60 && history.hours[1].lost == 6)
        #expect(history.hours[0].sent == 0)
        #expect(history.days[0].lost == 6)
    }
}
