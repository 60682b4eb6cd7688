import NetworkPrimitives
import Rekeying
import Testing

@Suite struct ProbeLogTests {
    @Test func `probes are counted by when they were sent`() {
        var log = ProbeLog(capacity: 10)
        for second in 0..<8 { log.note(sentAt: instant(Double(second)), isLost: second % 3 == 0) }
        #expect(log.counts(from: instant(2), through: instant(6)) == .init(sent: 5, lost: 2))
        #expect(log.counts(from: instant(9), through: instant(10)) == .init(sent: 0, lost: 0))
    }

    @Test func `what was forgotten is not known`() {
        var log = ProbeLog(capacity: 4)
        for second in 0..<8 { log.note(sentAt: instant(Double(second)), isLost: false) }
        #expect(log.counts(from: instant(3), through: instant(7)) == nil)
        #expect(log.counts(from: instant(3.5), through: instant(7)) == .init(sent: 4, lost: 0))
    }
}
