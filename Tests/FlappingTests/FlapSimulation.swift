import Flapping
import NetworkPrimitives
import NetworkSimulation

/// A made-up time of one tunnel in seconds, with the truth about it.
struct FlapSimulation {
    static let wall = WallTime(nanoseconds: 1_763_900_000_000_000_000)
    var generator: SeededGenerator
    var history = FlapHistory()
    let length: Double

    init(seed: Int, length: Double) {
        generator = SeededGenerator(seed: UInt64(seed) &* 0x9e37_79b9 &+ 1)
        self.length = length
        history.noteWatch(from: .zero, to: Self.at(length))
    }

    static func at(_ seconds: Double) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(seconds * 1e9))
    }

    mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * generator.unit()
    }

    /// Moments that follow each other by 90 to 100 % of a period, as rekeys with a random margin do.
    mutating func periodic(_ period: Double, jitter: Double = 0.1) -> [Double] {
        var moments: [Double] = []
        var next = uniform(0...period)
        while next < length {
            moments.append(next)
            next += period * uniform((1 - jitter)...1)
        }
        return moments
    }

    mutating func random(_ count: Int) -> [Double] { (0..<count).map { _ in uniform(0...length) } }

    /// So many of some moments.
    mutating func sample(_ count: Int, of moments: [Double]) -> [Double] {
        Array(moments.shuffled(using: &generator).prefix(count))
    }

    /// Becomes down then; half of the times again within a minute.
    mutating func flap(at moments: [Double]) {
        for moment in moments where moment < length {
            history.noteChange(from: .healthy, to: .down, at: Self.at(moment))
            let again = moment + uniform(1...60)
            if generator.chance(0.5), again < length {
                history.noteChange(from: .degraded, to: .down, at: Self.at(again))
            }
        }
    }

    mutating func rekey(at moments: [Double]) {
        for moment in moments { history.noteRekey(at: Self.at(moment)) }
    }

    mutating func analysis(unobservable: [FlapCause: String] = [:]) -> FlapAnalysis {
        history.analysis(
            at: Self.at(length), wall: Self.wall, unobservable: unobservable, using: &generator)
    }
}
