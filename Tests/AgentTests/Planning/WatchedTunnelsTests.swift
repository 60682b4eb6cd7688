import Testing

@testable import Agent

@Suite struct WatchedTunnelsTests {
    @Test func `guests come beside the continuous watch, and go`() {
        var watched = WatchedTunnels()
        watched.continuous = [.made("a")]
        let first = watched.admit([.made("b")])
        let second = watched.admit([.made("c"), .made("b")])
        #expect(watched.plans.map(\.name) == ["a", "b", "c"])
        watched.forget(first)
        #expect(watched.plans.map(\.name) == ["a", "c", "b"])
        watched.forget(second)
        #expect(watched.plans == watched.continuous)
    }

    @Test func `a name's plan is the continuous watch's, else the first guest's`() {
        let (own, older, newer) = (ip("192.0.2.1"), ip("192.0.2.2"), ip("192.0.2.3"))
        var watched = WatchedTunnels()
        _ = watched.admit([.made("a", outside: older)])
        _ = watched.admit([.made("a", outside: newer)])
        #expect(watched.plans == [.made("a", outside: older)])
        watched.continuous = [.made("a", outside: own)]
        #expect(watched.plans == [.made("a", outside: own)])
    }

    @Test func `with none there is nothing to follow`() {
        var watched = WatchedTunnels()
        watched.continuous = [.made("a")]
        let guest = watched.admit([.made("b")])
        watched.removeAll()
        #expect(watched.plans.isEmpty)
        // Whoever came before may still go.
        watched.forget(guest)
        #expect(watched.plans.isEmpty)
    }
}
