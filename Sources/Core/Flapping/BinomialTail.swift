import RealModule

/// The probability of at least so many successes.
enum BinomialTail {
    /// P(Bin(`trials`, `probability`) ≥ `successes`).
    static func probability(of successes: Int, in trials: Int, at probability: Double) -> Double {
        guard successes > 0 else { return 1 }
        guard probability > 0 else { return 0 }
        guard probability < 1 else { return successes <= trials ? 1 : 0 }
        guard successes <= trials else { return 0 }
        // Each term from the one before: nothing overflows, and the smallest are added last.
        let success = Double.log(probability)
        let failure = Double.log(onePlus: -probability)
        var sum = 0.0
        for count in successes...trials {
            let ways =
                Double.logGamma(Double(trials + 1)) - Double.logGamma(Double(count + 1))
                - Double.logGamma(Double(trials - count + 1))
            sum += Double.exp(ways + Double(count) * success + Double(trials - count) * failure)
        }
        return min(1, sum)
    }
}
