import EventStore
import Flapping
import Foundation
import History
import NetworkPrimitives
import Testing

@testable import Agent

/// What an agent stored is what the next one knows of a tunnel's flapping.
@Suite struct FormerFlappingTests {
    /// The start of the agent, on the wall clock; a whole minute.
    private static let start = WallTime(nanoseconds: 1_795_348_800_000_000_000)

    /// What agents before this one stored: a day in which the tunnel died 40 s after each rekey.
    private static func batch() -> StoreBatch {
        var batch = StoreBatch()
        func add(_ kind: HistoryEvent.Kind, _ seconds: Int, of tunnel: String = "t") {
            batch.events.append(StoredEvent(kind, of: tunnel, at: start + .seconds(seconds)))
        }
        func state(_ from: String, _ to: String) -> HistoryEvent.Kind {
            .stateChanged(StateChange(from: from, to: to, source: "inside"))
        }
        for hour in 1..<12 {
            let moment = -3600 * hour - hour * hour * 31
            add(.rekeyed(RekeyEntry(spi: "0xc0de0001")), moment)
            add(state("healthy", "down"), moment + 40)
            add(state("down", "healthy"), moment + 55)
        }
        // Neither the first state after a start nor the first size is a change.
        add(state("unknown", "down"), -80_000)
        add(
            .pathMTUChanged(
                PathMTUChange(path: "outside", from: nil, to: 1500, isBlackHole: false)), -79_000)
        add(.routeChanged("next hop 192.0.2.1 after 192.0.2.2"), -50_000)
        add(state("healthy", "down"), -70_000, of: "other")
        for minute in 1...1440 {
            // Two hours without an agent.
            if (1000..<1120).contains(minute) { continue }
            var row = HistoryMinute(at: start + .seconds(-60 * minute), tunnel: "t")
            row.healthy = 59_990
            row.outsideSent = 60
            row.outsideLost = minute == 300 ? 3 : 0
            batch.minutes.append(StoredMinute(row))
        }
        return batch
    }

    /// The analysis of an agent that started on the store.
    private static func analysis(over batch: StoreBatch) throws -> FlapAnalysis {
        let folder = NSTemporaryDirectory() + "tp-flaps-\(UInt32.random(in: 0...(.max)))"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try EventStore.open(in: folder, now: start).store.append(batch)
        let service = FlapService()
        var agent = SimulatedAgent(seed: 3)
        agent.configure([
            .made("t", outside: ip("192.0.2.1"), inside: ip("10.252.0.0"), device: "tun0")
        ])
        let monitor = try #require(agent["t"])
        #expect(service.watch([monitor.plan], at: .zero).map(\.name) == ["t"])
        #expect(service.watch([monitor.plan], at: at(1)).isEmpty, "it is watched already")
        let former = try FormerFlapping(
            from: StoredHistory(in: folder), of: "t", before: (.zero, start),
            sizeInterval: .seconds(600))
        service.take(former, of: "t")
        service.take(former, of: "nobody")
        let report = monitor.report(now: at(61), wall: start + .seconds(61), stateOf: monitor)
        let flapping = service.report(on: report, at: at(61), wall: start + .seconds(61))
        #expect(flapping.costs.rekeys == 0, "whether rekeys lost probes is known from now on")
        return try #require(flapping.analysis)
    }

    @Test func `the next agent knows the cause at once`() throws {
        let analysis = try Self.analysis(over: Self.batch())
        #expect(analysis.episodes.count == 11)
        #expect(analysis.cause == .rekeys)
        #expect(try #require(analysis.found).verdict == .correlated)
        let verdicts = Dictionary(
            uniqueKeysWithValues: analysis.candidates.map { ($0.cause, $0) })
        #expect(verdicts[.pathMTU]?.verdict != .correlated)
        #expect(verdicts[.routeChanges]?.verdict != .correlated)
    }

    @Test func `time without an agent is no time without an episode`() throws {
        let analysis = try Self.analysis(over: Self.batch())
        // 22 hours that are stored, and a minute of this agent.
        #expect(abs(analysis.watched - (22 * 3600 + 61)) < 5)
    }

    @Test func `an empty store is an empty past`() throws {
        let analysis = try Self.analysis(over: StoreBatch())
        #expect(analysis.episodes.isEmpty)
        #expect(analysis.watched == 61)
    }
}
