/// What a number of lost probes proves.
enum LossEvidence {
    /// How sure the bounds are: 99 % between both.
    private static let deviations = 2.576
    /// Fewer lost probes prove nothing, however few were sent.
    static let leastLost: UInt64 = 3
    /// A share of loss that matters.
    static let leastShare = 0.01

    /// Between which shares the true loss is (Wilson's interval), each 0...1; nil of no probes.
    static func bounds(_ tally: ProbeFacts.Tally) -> ClosedRange<Double>? {
        guard tally.sent > 0, let share = tally.lossRatio else { return nil }
        let count = Double(tally.sent)
        let square = deviations * deviations
        let scale = 1 + square / count
        let center = (share + square / (2 * count)) / scale
        let spread =
            deviations
            * (share * (1 - share) / count + square / (4 * count * count)).squareRoot() / scale
        return max(0, center - spread)...min(1, center + spread)
    }

    /// Whether the loss is more than accident.
    static func isSignificant(_ tally: ProbeFacts.Tally) -> Bool {
        guard tally.lost >= leastLost, let bounds = bounds(tally) else { return false }
        return bounds.lowerBound > leastShare
    }

    /// How many answers in a row a path with this loss hardly ever gives: as many say that it is over.
    static func answersThatEnd(_ share: Double) -> Int {
        runLength(of: 1 - share, until: 0.02)
    }

    /// How many unanswered probes in a row a path with this loss hardly ever has, 3 at least: as many say
    /// that it is silent.
    static func silence(after share: Double) -> Int {
        max(3, runLength(of: share, until: 0.001))
    }

    /// The smallest n with share^n <= limit, at most 1000.
    private static func runLength(of share: Double, until limit: Double) -> Int {
        var (product, count) = (1.0, 0)
        while product > limit, count < 1000 {
            product *= share
            count += 1
        }
        return count
    }
}

extension ProbeFacts {
    /// Whether the path is silent now: no answer for longer than its usual loss explains; nil while that is
    /// not known.
    var isSilent: Bool? {
        guard let unanswered = unansweredInARow.value else { return nil }
        if unanswered < 3 { return false }
        guard let longer = longer.value else { return true }
        // The silence itself says nothing of the loss before it.
        let before = Tally(
            sent: longer.sent - min(UInt64(unanswered), longer.sent), received: longer.received,
            span: longer.span)
        // A lossy path is not one that is off and on: after an outage all of its loss is in one piece, and a
        // run of three says enough while answers came in between.
        let share = before.sent >= 10 ? min(0.6, before.lossRatio ?? 0) : 0
        return unanswered >= LossEvidence.silence(after: share)
    }

    /// Whether answers come now; nil while that is not known.
    var isAnswering: Bool? {
        guard let recent = recent.value, let isSilent else { return nil }
        return recent.received > 0 && !isSilent
    }
}

extension ProbeFacts {
    /// Of stretches that all end now, the one whose loss is most certain; nil of none.
    public static func lossiest(of stretches: [Tally]) -> Tally? {
        // What proves something goes before two lost of ten, whose share is larger.
        func weight(_ tally: Tally) -> (Int, Double, UInt64) {
            (
                LossEvidence.isSignificant(tally) ? 1 : 0,
                LossEvidence.bounds(tally)?.lowerBound ?? 0, tally.sent
            )
        }
        return stretches.max { weight($0) < weight($1) }
    }
}

extension ProbeFacts.Tally {
    /// Like `3 of 40 probes (7.5 %) in 10 s`.
    var text: String {
        let share = (Double(lost) / Double(max(sent, 1)) * 1000).rounded() / 10
        return
            "\(lost) of \(sent) probes (\(RuleText.decimal(share)) %) in \(RuleText.duration(span))"
    }
}
