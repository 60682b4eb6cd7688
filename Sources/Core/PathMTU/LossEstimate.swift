/// How likely silence is by chance alone, from probes of sizes that are known to pass.
///
/// The share of lost probes has a weak Beta prior that expects few (mean 1/7, worth 3.5 probes);
/// what follows is the chance that the next ones all vanish without any fault of their size.
struct LossEstimate: Hashable, Sendable {
    /// Probes that had to pass and were answered.
    var answered = 0
    /// Probes that had to pass and were not.
    var lost = 0

    /// The chance that `tries` probes in a row are lost though their size passes.
    func chanceOfSilence(tries: Int) -> Double {
        var chance = 1.0
        for index in 0..<max(tries, 0) {
            chance *=
                (0.5 + Double(lost + index)) / (3.5 + Double(lost + answered + index))
        }
        return chance
    }

    /// The least number of silent tries that chance explains with at most `threshold`; a number
    /// nobody reaches where even many would not do.
    func tries(below threshold: Double, atLeast least: Int = 1) -> Int {
        (least..<30).first { chanceOfSilence(tries: $0) <= threshold } ?? 1000
    }
}
