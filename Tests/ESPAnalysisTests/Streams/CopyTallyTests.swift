@testable import ESPAnalysis
import NetworkPrimitives
import Testing

@Suite struct CopyTallyTests {
    /// What is counted of packets of which every `interval`th has a copy, with a report after each
    /// `report`th.
    private static func counts(
        packets: Int, copyEvery interval: Int, reportEvery report: Int
    ) -> DuplicateCounts {
        var tally = CopyTally()
        for number in 1...packets {
            tally.notePacket()
            if number % interval == 0 {
                tally.noteCopy(age: .milliseconds(1), hopLimitDiffers: false)
            }
            if number % report == 0 { tally.settle() }
        }
        tally.settle()
        return tally.counts
    }

    @Test(arguments: [1, 3, 10, 150, 700, 5000])
    func `what makes copies does not hang on how often somebody asks`(report: Int) {
        let some = Self.counts(packets: 5000, copyEvery: 50, reportEvery: report)
        #expect(some.network == 100)
        #expect(some.capture == 0)
        let all = Self.counts(packets: 5000, copyEvery: 1, reportEvery: report)
        #expect(all.network == 0)
        #expect(all.capture == 5000)
    }
}
