import Diagnosis
import EventStore
import History
import NetworkPrimitives
import TunnelHealth
import Testing

@testable import Agent

private func report(
    at seconds: Int, _ findings: [Finding] = [], wall: Int? = nil, tunnels: Int = 3
) -> StatusReport {
    var report = EventRecorderTests.busy
    report.generatedAt = WallTime(nanoseconds: Int64(wall ?? seconds) * 1_000_000_000)
    report.tunnels = Array(report.tunnels.prefix(tunnels))
    if !report.tunnels.isEmpty { report.tunnels[0].findings = findings }
    return report
}

private func finding(_ id: FindingID, explaining others: [FindingID] = []) -> Finding {
    var made = Finding(
        id: id, severity: id.severities[0], confidence: 1, summary: id.rawValue, evidence: ["seen"],
        remedy: ["do"])
    made.explained = others.map { finding($0) }
    return made
}

@Suite struct EventRecorderTests {
    fileprivate static let busy = StatusReport.busy

    private func at(_ seconds: Int) -> MonotonicInstant { .zero + .seconds(seconds) }

    private func kinds(_ batch: StoreBatch) -> [String] { batch.events.map(\.kind) }

    @Test func `tunnels come and go once each`() {
        var recorder = EventRecorder()
        #expect(
            kinds(recorder.take(report(at: 60), at: at(60))).filter { $0 == "tunnel_added" }.count
                == 3)
        #expect(recorder.take(report(at: 62), at: at(62)).events.isEmpty)
        let gone = recorder.take(report(at: 64, tunnels: 1), at: at(64))
        #expect(kinds(gone) == ["tunnel_removed", "tunnel_removed"])
        #expect(gone.minutes.count == 2, "what their minutes came to is kept")
        #expect(
            kinds(recorder.take(report(at: 66), at: at(66))) == ["tunnel_added", "tunnel_added"])
    }

    @Test func `a finding is told when it comes, changes its cause, and goes`() throws {
        var recorder = EventRecorder()
        _ = recorder.take(report(at: 60), at: at(60))
        let alone = recorder.take(report(at: 62, [finding(.tunnelFlapping)]), at: at(62))
        #expect(kinds(alone) == ["finding_raised"])
        #expect(
            recorder.take(report(at: 64, [finding(.tunnelFlapping)]), at: at(64)).events.isEmpty)
        let explained = recorder.take(
            report(at: 66, [finding(.antiReplayDrops, explaining: [.tunnelFlapping])]), at: at(66))
        #expect(kinds(explained) == ["finding_raised", "finding_raised"])
        let event = try #require(explained.events.last)
        guard
            case .findingRaised(let record) = HistoryCoding.event(
                at: event.at, tunnel: event.tunnel, kind: event.kind, body: event.body
            ).kind
        else {
            Issue.record("\(event)")
            return
        }
        #expect(record.explainedBy == "anti-replay-drops")
        #expect(
            kinds(recorder.take(report(at: 68), at: at(68)))
                == ["finding_cleared", "finding_cleared"])
    }

    @Test func `a minute is what passed on the monotonic clock, whatever the wall clock does`()
        throws
    {
        var recorder = EventRecorder()
        var minutes: [StoredMinute] = []
        var events: [StoredEvent] = []
        for second in 60...600 {
            // The wall clock is set back by an hour in the middle.
            let wall = second < 300 ? second + 7200 : second + 3600
            let batch = recorder.take(report(at: second, wall: wall), at: at(second))
            minutes += batch.minutes
            events += batch.events
        }
        minutes += recorder.end(at: at(600), wall: WallTime(nanoseconds: 4_200_000_000_000))
        #expect(events.filter { $0.kind == "clock_stepped" }.count == 1)
        for name in Self.busy.tunnels.map(\.plan.name) {
            let own = minutes.filter { $0.tunnel == name }.map {
                HistoryCoding.minute(at: $0.at, tunnel: name, body: $0.body)
            }
            let sum = own.reduce(0) { $0 + $1.healthy + $1.degraded + $1.down + $1.unknown }
            #expect(sum == 540_000, "\(name)")
        }
    }

    @Test func `a change of state moves what was counted since`() {
        var count = MinuteCount(state: .healthy, at: at(0))
        var tunnel = Self.busy.tunnels[0]
        tunnel.state = .healthy
        _ = count.take(tunnel, at: at(30), wall: WallTime(nanoseconds: 30_000_000_000))
        // The sample that decided it was sent at 20 s, and waited for until 31 s.
        count.note(.down, at: at(20))
        tunnel.state = .down
        _ = count.take(tunnel, at: at(50), wall: WallTime(nanoseconds: 50_000_000_000))
        let row = count.end(of: "cf-1", at: at(50), wall: WallTime(nanoseconds: 50_000_000_000))
        #expect(row?.healthy == 20_000)
        #expect(row?.down == 30_000)
    }

    @Test func `a reload that counts anew is no negative minute`() throws {
        var count = MinuteCount(state: .healthy, at: at(0))
        var tunnel = Self.busy.tunnels[0]
        _ = count.take(tunnel, at: at(10), wall: WallTime(nanoseconds: 10_000_000_000))
        for index in tunnel.rows.indices {
            tunnel.rows[index].counts.received = 2
            tunnel.rows[index].counts.lost = 1
        }
        _ = count.take(tunnel, at: at(20), wall: WallTime(nanoseconds: 20_000_000_000))
        let end = count.end(
            of: "cf-1", at: at(20), wall: WallTime(nanoseconds: 20_000_000_000))
        let row = try #require(end)
        #expect(row.sent >= 3 && row.lost >= 1 && row.lost <= row.sent)
    }
}

@Suite struct HistoryQueueTests {
    private func event(_ number: Int64) -> StoredEvent {
        StoredEvent(at: WallTime(nanoseconds: number), tunnel: "", kind: "k", body: "{}")
    }

    @Test func `what has no room is counted, the oldest first`() {
        var queue = HistoryQueue()
        for number in 0..<Int64(HistoryQueue.limit + 25) {
            queue.add(StoreBatch(events: [event(number)]))
        }
        #expect(queue.dropped == 25)
        #expect(queue.batch.events.count == HistoryQueue.limit)
        #expect(queue.batch.events.first?.at == WallTime(nanoseconds: 25))
    }

    @Test func `what could not be stored comes before what came meanwhile`() {
        var queue = HistoryQueue()
        queue.add(StoreBatch(events: [event(1), event(2)]))
        let taken = queue.take(heartbeat: WallTime(nanoseconds: 9))
        #expect(queue.isEmpty && taken.batch.heartbeat == WallTime(nanoseconds: 9))
        queue.add(StoreBatch(events: [event(3)]))
        queue.putBack(taken)
        #expect(queue.batch.events.map(\.at.nanoseconds) == [1, 2, 3])
        #expect(queue.dropped == 0)
    }
}
