import ReplyPath
import Testing

@Suite struct BlockingPosteriorTests {
    @Test func `decides 300 random ladders as the reference implementation does`() throws {
        var count = 0
        for line in ladderOracleTables.split(separator: "\n") {
            let halves = line.split(separator: "|")
            let hops = halves[0].split(separator: " ").map { hop in
                let numbers = hop.split { $0 == "/" || $0 == ":" }.map { Int($0)! }
                return HopTally(
                    controlsAnswered: numbers[0], controlsSent: numbers[1],
                    testsAnswered: numbers[2], testsSent: numbers[3])
            }
            let expected = halves[1].split(separator: " ")
            let posterior = BlockingPosterior(hops)
            let probability: Double = try #require(Double(String(expected[2])))
            let measured = expected[0] == "o" ? posterior.open : posterior.blocked
            #expect((measured - probability).magnitude < 1e-9, "\(line)")
            #expect((posterior.open >= BlockingPosterior.required) == (expected[0] == "o"))
            #expect((posterior.blocked >= BlockingPosterior.required) == (expected[0] == "b"))
            if expected[0] == "b" {
                #expect(posterior.mostLikelyHop == Int(expected[1]), "\(line)")
                let range = try #require(posterior.likelyHops)
                #expect("\(range.lowerBound)-\(range.upperBound)" == expected[3], "\(line)")
            }
            count += 1
        }
        #expect(count == 300)
    }

    @Test func `probabilities add up to one`() {
        let posterior = BlockingPosterior([
            HopTally(controlsAnswered: 3, controlsSent: 3, testsAnswered: 3, testsSent: 3),
            HopTally(controlsAnswered: 2, controlsSent: 3, testsAnswered: 0, testsSent: 3),
        ])
        #expect(abs(posterior.blockedAfter.reduce(posterior.open, +) - 1) < 1e-12)
    }

    @Test func `a hop without controls says nothing`() {
        let without = BlockingPosterior([
            HopTally(controlsAnswered: 3, controlsSent: 3, testsAnswered: 3, testsSent: 3),
            HopTally(testsAnswered: 0, testsSent: 10),
        ])
        let unasked = BlockingPosterior([
            HopTally(controlsAnswered: 3, controlsSent: 3, testsAnswered: 3, testsSent: 3),
            HopTally(),
        ])
        #expect(without.open == unasked.open)
    }

    @Test func `an empty ladder is neither blocked nor does it trap`() {
        let posterior = BlockingPosterior([])
        #expect(posterior.blocked == 0)
        #expect(posterior.mostLikelyHop == nil)
        #expect(posterior.likelyHops == nil)
    }
}
