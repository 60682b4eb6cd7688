import History
import NetworkPrimitives
import Testing

@testable import Agent

@Suite struct `Events as texts` {
    private static let kinds: [HistoryEvent.Kind] = [
        .agentStarted(version: "0.1.0"), .agentStopped,
        .stateChanged(
            StateChange(from: "healthy", to: "down", source: "inside", reason: "a \"b\"\n")),
        .stateChanged(StateChange(from: "down", to: "degraded", source: "outside")),
        .findingRaised(
            FindingRecord(
                id: "esp-blocked", severity: "critical", confidence: 0.9,
                summary: "ESP goes one way.",
                evidence: ["seen", "too"], remedy: ["do"], explains: ["tunnel-flapping"],
                explainedBy: "underlay-down")),
        .findingCleared(id: "esp-blocked"),
        .rekeyed(
            RekeyEntry(
                spi: "0xc0de0002", formerSPI: "0xc0de0001", convergenceSeconds: 1.5,
                probesSent: 10, probesLost: 2)),
        .rekeyed(RekeyEntry(spi: "0xc0de0002")),
        .pathMTUChanged(PathMTUChange(path: "inside", from: 1446, to: nil, isBlackHole: nil)),
        .pathMTUChanged(PathMTUChange(path: "outside", from: nil, to: 1400, isBlackHole: true)),
        .replyPathChanged(
            ReplyPathChange(path: "outside", from: "open", to: "blocked", afterHop: 2)),
        .routeChanged("next hop 192.0.2.1 -> 192.0.2.2"),
        .configurationLoaded(succeeded: false, summary: "line 3: no"),
        .captureSaved(file: "cf-1.pcapng", reason: "down"),
    ]

    @Test(arguments: kinds)
    func `each comes back as it was, on one line`(kind: HistoryEvent.Kind) {
        let event = HistoryEvent(at: WallTime(nanoseconds: 5), tunnel: "cf-1", kind)
        let body = HistoryCoding.body(of: kind)
        #expect(!body.contains("\n"))
        #expect(
            HistoryCoding.event(
                at: event.at, tunnel: "cf-1", kind: HistoryCoding.name(of: kind), body: body)
                == event)
    }

    @Test func `names are all different`() {
        #expect(Set(Self.kinds.map(HistoryCoding.name)).count == 11)
    }

    @Test(arguments: ["", "{", "[1,2", "null", "{\"from\": 7}", "\u{0}"])
    func `what cannot be read is an event all the same`(body: String) {
        let event = HistoryCoding.event(
            at: WallTime(nanoseconds: 5), tunnel: "", kind: "of-next-year", body: body)
        #expect(event.kind == .other(kind: "of-next-year"))
        #expect(event.tunnel == nil)
        _ = HistoryCoding.event(
            at: WallTime(nanoseconds: 5), tunnel: "t", kind: "state_changed", body: body)
    }

    @Test func `a minute comes back, and one that cannot be read is not watched`() {
        var minute = HistoryMinute(at: WallTime(nanoseconds: 60_000_000_000), tunnel: "cf-1")
        minute.sent = 60
        minute.lost = 3
        minute.outsideSent = 59
        minute.healthy = 50_000
        minute.down = 10_000
        let body = HistoryCoding.body(of: minute)
        #expect(body.utf8.count < 60)
        #expect(HistoryCoding.minute(at: minute.at, tunnel: "cf-1", body: body) == minute)
        #expect(HistoryCoding.minute(at: minute.at, tunnel: "cf-1", body: "x").watched == 0)
    }
}
