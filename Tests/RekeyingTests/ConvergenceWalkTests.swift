import NetworkPrimitives
import NetworkSimulation
import Testing

@testable import Rekeying

@Suite struct ConvergenceWalkTests {
    @Test(arguments: 0..<200)
    func `the points are those of the definition`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var watch = SuccessionWatch()
        watch.noteCarrier(spi(1), first: instant(-9), last: instant(-1), packets: 10)
        let count = 1 + Int(random.below(400))
        // From all at once to hardly any change at all.
        let pace = random.unit() * 4
        var arrivals: [(isNew: Bool, at: MonotonicInstant)] = []
        for step in 0..<count {
            let isNew = step == 0 || random.chance(min(1, pace * Double(step) / Double(count)))
            let time = instant(Double(step) * 0.01)
            watch.receive(spi(isNew ? 2 : 1), at: time)
            arrivals.append((isNew, time))
            let joint = watch.reports(at: time)[0].joint
            #expect(joint.tailPackets + joint.packets == UInt64(arrivals.count))
            if let half = joint.halfAt {
                #expect(half >= joint.firstPacketAt)
                if let converged = joint.convergedAt { #expect(half <= converged) }
            } else {
                #expect(joint.convergedAt == nil)
            }
        }
        let joint = watch.reports(at: instant(10))[0].joint
        #expect(joint.halfAt == pointByDefinition(arrivals, percent: 50))
        #expect(joint.convergedAt == pointByDefinition(arrivals, percent: 99))
        #expect(joint.tailPackets == UInt64(arrivals.count { !$0.isNew }))
        #expect(joint.lastTailAt == arrivals.last { !$0.isNew }?.at)
    }
}
