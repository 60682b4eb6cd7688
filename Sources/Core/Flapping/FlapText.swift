import NetworkPrimitives
import RealModule

/// What the tests come to, in sentences for an operator.
enum FlapText {
    static func explanation(of test: CorrelationTest, _ cause: FlapCause) -> String {
        let of = test.occurrences == 1 ? cause.noun : cause.plural
        guard test.verdict != .insufficient else {
            return
                "too few to compare: \(count(test.episodes, "episode")) and \(test.occurrences) \(of)"
        }
        let reach = cause.reach
        let window =
            "\(number(reach.lead)) s before to \(number(reach.tail)) s after one of \(test.occurrences) \(of)"
        var text =
            "\(test.hits) of \(count(test.episodes, "episode")) began \(window), where chance alone puts \(percent(test.covered))"
        text += "; p = \(chance(test.chance))"
        switch test.verdict {
        case .reversed where test.isSurelyReversed:
            text += ", but \(test.hitsBefore) began before one: they come first"
        case .inconclusive: text += ", too frequent to tell"
        case .correlated, .uncorrelated, .insufficient, .reversed: break
        }
        return text
    }

    static func explanation(
        of test: ShortTermTest, _ cause: FlapCause, _ what: String
    ) -> String {
        "within the last hour \(test.hits) of \(test.clusters) \(what) came within "
            + "\(number(test.window)) s of one of \(test.occurrences) \(cause.plural), where chance alone "
            + "puts \(percent(test.covered)); p = \(chance(test.chance))"
    }

    static func explanation(of test: UnderlayCoincidence) -> String {
        "within the last hour \(test.changesDuring) of \(test.changes) changes for the worse came while the "
            + "underlay itself lost probes, and \(test.lostTogether) of \(test.lostInside) lost probes of the "
            + "inside were lost beside one of the underlay"
    }

    static func explanation(of costs: RekeyCosts) -> String {
        "\(costs.disturbed) of \(count(costs.rekeys, "rekey")) within the last "
            + "\(DurationText.short(costs.span.seconds)) were followed by lost probes: \(costs.lostAfter) in "
            + "all, the last \(number(max(0, costs.longest.seconds))) s after its rekey, and "
            + "\(costs.lostElsewhere) at all other times"
    }

    static func explanation(of test: TimeOfDayTest, _ episodes: Int) -> String {
        let minutes = Int(test.middle / 60)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            "\(test.hits) of \(count(episodes, "episode")) in \(test.spells) spells lie within two hours of "
            + "\(two(minutes / 60)):\(two(minutes % 60)) UTC; p = \(chance(test.chance))"
    }

    static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    static func number(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\((value * 10).rounded() / 10)"
    }

    static func percent(_ share: Double) -> String {
        let tenths = (share * 1000).rounded() / 10
        return tenths == tenths.rounded() ? "\(Int(tenths)) %" : "\(tenths) %"
    }

    /// A chance with two digits; under 0.0001 it is only small.
    static func chance(_ value: Double) -> String {
        guard value >= 0.0001 else { return "under 0.0001" }
        return "\((value * 10_000).rounded() / 10_000)"
    }
}

/// A length of time for people.
enum DurationText {
    static func short(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Int(seconds)) s"
        case ..<7200: "\(Int(seconds / 60)) min"
        case ..<172_800: "\(Int(seconds / 3600)) h"
        default: "\(Int(seconds / 86_400)) days"
        }
    }
}
