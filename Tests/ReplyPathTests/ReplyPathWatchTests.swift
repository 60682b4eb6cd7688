import NetworkPrimitives
import ReplyPath
import Testing

@Suite struct ReplyPathWatchTests {
    @Test func `The first ladder is due at once, the next an interval after its start`() {
        var watch = ReplyPathWatch(interval: .seconds(600), start: .zero)
        #expect(watch.due(at: .zero) == .interval)
        watch.started(at: .zero)
        #expect(watch.due(at: .zero + .seconds(900)) == nil)
        watch.ended(at: .zero + .seconds(45))
        #expect(watch.nextDue == .zero + .seconds(600))
        #expect(watch.due(at: .zero + .seconds(599)) == nil)
        #expect(watch.due(at: .zero + .seconds(600)) == .interval)
    }

    @Test func `A change of state asks at once, but never within the floor`() {
        var watch = ReplyPathWatch(interval: .seconds(600), start: .zero)
        watch.started(at: .zero)
        watch.ended(at: .zero + .seconds(45))
        watch.ask(.stateChanged, at: .zero + .seconds(50))
        #expect(watch.nextDue == .zero + .seconds(75))
        #expect(watch.due(at: .zero + .seconds(75)) == .stateChanged)
        watch.started(at: .zero + .seconds(75))
        watch.ended(at: .zero + .seconds(100))
        watch.ask(.pathChanged, at: .zero + .seconds(300))
        #expect(watch.due(at: .zero + .seconds(300)) == .pathChanged)
    }

    @Test func `A change during a ladder starts the next one when the floor has passed`() {
        var watch = ReplyPathWatch(interval: .seconds(600), start: .zero)
        watch.started(at: .zero)
        watch.ask(.stateChanged, at: .zero + .seconds(10))
        #expect(watch.due(at: .zero + .seconds(20)) == nil)
        watch.ended(at: .zero + .seconds(45))
        #expect(watch.due(at: .zero + .seconds(74)) == nil)
        #expect(watch.due(at: .zero + .seconds(75)) == .stateChanged)
    }

    @Test func `An interval shorter than the floor does not undercut it`() {
        var watch = ReplyPathWatch(interval: .seconds(5), start: .zero)
        watch.started(at: .zero)
        watch.ended(at: .zero + .seconds(1))
        #expect(watch.nextDue == .zero + .seconds(31))
    }
}
