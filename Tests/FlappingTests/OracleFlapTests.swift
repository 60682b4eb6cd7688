import NetworkSimulation
import Testing
@testable import Flapping

/// What `flap.py` says of made-up weeks (`scripts/oracle`).
@Suite struct OracleFlapTests {
    struct Week: CustomTestStringConvertible {
        var name: String
        var length: Double
        var changes: [Double]
        var rekeys: [Double]
        var figures: [String]
        var verdict: String
        var testDescription: String { name }
    }

    static let weeks = oracleWeeks.split(separator: "\n").map { line in
        let parts = line.split(separator: "\t").map(String.init)
        func seconds(_ text: String) -> [Double] {
            text.split(separator: ",").map { (Double($0) ?? .nan) / 1000 }
        }
        return Week(
            name: parts[0], length: Double(parts[1]) ?? .nan, changes: seconds(parts[2]),
            rekeys: seconds(parts[3]), figures: Array(parts[4..<(parts.count - 1)]),
            verdict: parts[parts.count - 1])
    }

    private static func test(_ week: Week) -> CorrelationTest {
        var generator = SeededGenerator(seed: 7)
        return CorrelationTest(
            Episodes.beginnings(week.changes), against: week.rekeys.map { $0...$0 },
            reach: FlapCause.rekeys.reach, in: week.length, using: &generator)
    }

    private static func isClose(_ left: Double, _ right: Double) -> Bool {
        abs(left - right) <= 1e-9 + 1e-6 * abs(right)
    }

    @Test(arguments: weeks)
    func `counts, shares and chances are the reference's`(week: Week) throws {
        let test = Self.test(week)
        #expect(test.episodes == Int(week.figures[0]))
        guard week.verdict != "insufficient" else { return }
        #expect(test.hits == Int(week.figures[1]))
        #expect(test.hitsBefore == Int(week.figures[2]))
        #expect(Self.isClose(test.covered, try #require(Double(week.figures[3]))))
        #expect(Self.isClose(try #require(test.lift), try #require(Double(week.figures[4]))))
        #expect(Self.isClose(test.binomialChance, try #require(Double(week.figures[5]))))
        // Two samples of shifts, 999 and 9999: four standard deviations of the smaller.
        let permutation = try #require(Double(week.figures[6]))
        let deviation = (permutation * (1 - permutation) / 999).squareRoot()
        #expect(abs(test.permutationChance - permutation) <= 4 * deviation + 0.002)
    }

    @Test(arguments: weeks)
    func `verdicts are the reference's`(week: Week) {
        let names: [CorrelationTest.Verdict: String] = [
            .correlated: "rekey-correlated", .reversed: "flaps-cause-rekeys",
            .insufficient: "insufficient", .inconclusive: "inconclusive",
            .uncorrelated: "not correlated",
        ]
        #expect(names[Self.test(week).verdict] == week.verdict)
    }
}
