import NetworkPrimitives

/// Figures in sentences of findings.
enum RuleText {
    /// `1 rekey`, `3 rekeys`.
    static func count(_ number: some BinaryInteger, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// A duration as an operator would write it, like `350 ms`, `2.5 s`, `20 min`, `8 h`.
    static func duration(_ duration: Duration) -> String {
        let seconds = duration.seconds
        switch seconds {
        case ..<1: return "\(Int((seconds * 1000).rounded())) ms"
        case ..<120: return "\(decimal(seconds)) s"
        case ..<3600: return "\(decimal(seconds / 60)) min"
        case ..<172_800: return "\(decimal(seconds / 3600)) h"
        default: return "\(decimal(seconds / 86_400)) days"
        }
    }

    /// At most one decimal.
    static func decimal(_ value: Double) -> String {
        let rounded = (value * 10).rounded() / 10
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }

    /// A share in percent.
    static func percent(_ share: Double) -> String { "\(decimal(share * 100)) %" }
}
